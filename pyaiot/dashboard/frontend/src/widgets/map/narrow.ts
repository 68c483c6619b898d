// SPDX-License-Identifier: BSD-3-Clause

/** Maps that are narrower, in pixels, have the small window at their lower edge. */
export const NARROW = 520;

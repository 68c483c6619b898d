// SPDX-License-Identifier: BSD-3-Clause

/** Uids of the nodes whose panel is open; their cards may be drawn and taken away meanwhile. */
export const unfolded = new Set<string>();

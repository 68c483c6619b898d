// SPDX-License-Identifier: BSD-3-Clause

/** Letters that a new password and a name have at least and at most (see `forms.py`). */
export const SHORTEST_PASSWORD = 10;
export const LONGEST_PASSWORD = 256;

// SPDX-License-Identifier: BSD-3-Clause

/** Rows above and below what is in sight that are drawn, so that scrolling never shows a hole. */
const MORE = 6;

/** The rows from `first` to before `end`. */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** Rows that are drawn when `height` pixels from `top` on are in sight. */
export function spanOf(top: number, height: number, row: number, count: number): Span {
  const first = Math.min(Math.max(0, Math.floor(top / row) - MORE), count);
  const end = Math.min(count, Math.max(first, Math.ceil((top + height) / row) + MORE));
  return { first, end };
}

/** Where one has to scroll so that a row is wholly in sight; `top` if it is already. */
export function scrolledTo(index: number, top: number, height: number, row: number): number {
  if (index * row < top) return index * row;
  return Math.max(top, (index + 1) * row - height);
}

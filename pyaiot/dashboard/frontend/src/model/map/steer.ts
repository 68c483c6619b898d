// SPDX-License-Identifier: BSD-3-Clause
import type { Spot } from "./mercator";

export type Direction = "left" | "right" | "up" | "down";

/** How much farther away something seems for each step that it lies beside the way. */
const ASIDE = 2;

/** The nearest of `others` in a direction from a spot, or null where there is none. */
export function nextTowards<T extends Spot>(from: Spot, direction: Direction, others: readonly T[]): T | null {
  let found: T | null = null;
  let least = Infinity;
  for (const other of others) {
    const [right, down] = [other.x - from.x, other.y - from.y];
    const [ahead, aside] =
      direction === "left" || direction === "right"
        ? [direction === "left" ? -right : right, Math.abs(down)]
        : [direction === "up" ? -down : down, Math.abs(right)];
    if (ahead <= 0 || aside > ahead * ASIDE) continue;
    const distance = ahead + aside * ASIDE;
    if (distance < least) [found, least] = [other, distance];
  }
  return found;
}

// SPDX-License-Identifier: BSD-3-Clause
import type { Box } from "./camera";
import type { Spot } from "./mercator";

/** On which side of a mark its words stand. */
export type Side = "left" | "right";

/** Room that words take beside a mark, in pixels: to their side, and up and down. */
const WORDS = { beside: 168, aside: 17 };
/** Room that a mark takes, in pixels to each side. */
const MARK = 20;
/** Among more marks than this words would be noise. */
const CROWD = 300;

/**
 * Which marks have room for words beside them, and where.
 *
 * Words lie on no other mark, on no other words, and not over the edge of a room that is `width`
 * pixels wide, as long as the mark is in it.
 */
export function withRoom<T extends Spot>(marks: readonly T[], width: number): ReadonlyMap<T, Side> {
  const found = new Map<T, Side>();
  if (marks.length > CROWD) return found;
  const taken: Box[] = [];
  for (const mark of marks) {
    for (const side of sidesOf(mark, width)) {
      const box = wordsBox(mark, side);
      if (marks.some((other) => other !== mark && touches(box, other)) || taken.some((other) => meet(box, other))) continue;
      found.set(mark, side);
      taken.push(box);
      break;
    }
  }
  return found;
}

function sidesOf({ x }: Spot, width: number): readonly Side[] {
  const isCut = x <= width && x + WORDS.beside > width;
  return isCut ? ["left"] : x - WORDS.beside < 0 ? ["right"] : ["right", "left"];
}

function wordsBox({ x, y }: Spot, side: Side): Box {
  const [left, right] = side === "right" ? [x, x + WORDS.beside] : [x - WORDS.beside, x];
  return { left, right, top: y - WORDS.aside, bottom: y + WORDS.aside };
}

function touches(box: Box, { x, y }: Spot): boolean {
  return meet(box, { left: x - MARK, right: x + MARK, top: y - MARK, bottom: y + MARK });
}

function meet(one: Box, other: Box): boolean {
  return one.left < other.right && one.right > other.left && one.top < other.bottom && one.bottom > other.top;
}

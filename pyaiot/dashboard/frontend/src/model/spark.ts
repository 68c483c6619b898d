// SPDX-License-Identifier: BSD-3-Clause
import type { Point } from "./state";

export const WIDTH = 100;
export const HEIGHT = 32;
/** Room above and below, so that a line of some width is not cut off. */
const MARGIN = 3;

/** A small chart, as the paths of an SVG of `WIDTH` by `HEIGHT`. */
export interface Spark {
  readonly line: string;
  readonly area: string;
  /** Where the newest number is. */
  readonly end: { readonly x: number; readonly y: number };
  readonly lowest: number;
  readonly highest: number;
  /** Seconds from the first point to the last. */
  readonly seconds: number;
}

/** The chart of some points, oldest first; null where there is nothing to compare. */
export function sparkOf(points: readonly Point[]): Spark | null {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || last.time <= first.time) return null;
  const seconds = last.time - first.time;
  let lowest = first.number;
  let highest = first.number;
  for (const { number } of points) {
    lowest = Math.min(lowest, number);
    highest = Math.max(highest, number);
  }
  const rise = highest - lowest;
  const height = HEIGHT - 2 * MARGIN;
  const places = points.map(({ time, number }) => ({
    x: round(((time - first.time) / seconds) * WIDTH),
    y: round(rise === 0 ? HEIGHT / 2 : MARGIN + (1 - (number - lowest) / rise) * height),
  }));
  const line = places.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join("");
  const end = places.at(-1) ?? { x: WIDTH, y: HEIGHT / 2 };
  return { line, area: `${line}V${HEIGHT}H0Z`, end, lowest, highest, seconds };
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

// SPDX-License-Identifier: BSD-3-Clause
import type { Series } from "./ring";
import { scaleOf } from "./series";

export const WIDTH = 100;
export const HEIGHT = 32;
/** Room above and below, so that a line of some width is not cut off. */
const MARGIN = 3;

/** A small chart, as the paths of an SVG of `WIDTH` by `HEIGHT`. */
export interface Spark {
  /** The line of each course; broken where there is a gap. */
  readonly lines: readonly string[];
  /** What lies below the first line. */
  readonly area: string;
  /** Where the newest number of each course is; null if the course ends in a gap. */
  readonly ends: readonly (Place | null)[];
  readonly lowest: number;
  readonly highest: number;
  /** Seconds from the first point to the last. */
  readonly seconds: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * The chart of some courses on one scale; null where there is nothing to compare.
 *
 * `name` is the one by which `scaleOf` knows what is usual.
 */
export function sparkOf(courses: readonly Series[], name = ""): Spark | null {
  const reach = reachOf(courses);
  if (reach === null || reach.last <= reach.first) return null;
  const { first, last, lowest, highest } = reach;
  const seconds = last - first;
  const { bottom, top } = scaleOf(name, lowest, highest);
  const place = (time: number, number: number): Place => ({
    x: round(((time - first) / seconds) * WIDTH),
    y: round(MARGIN + (1 - (number - bottom) / (top - bottom)) * (HEIGHT - 2 * MARGIN)),
  });
  const drawn = courses.map((course) => segmentsOf(course, place));
  return {
    lines: drawn.map((segments) => segments.map(lineOf).join("")),
    area: (drawn[0] ?? []).map((segment) => areaOf(segment)).join(""),
    ends: drawn.map((segments, index) =>
      Number.isNaN(courses[index]?.numbers.at(-1) ?? Number.NaN) ? null : (segments.at(-1)?.at(-1) ?? null),
    ),
    lowest,
    highest,
    seconds,
  };
}

function reachOf(courses: readonly Series[]): { first: number; last: number; lowest: number; highest: number } | null {
  let [first, lowest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [last, highest] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { times, numbers } of courses) {
    numbers.forEach((number, index) => {
      if (Number.isNaN(number)) return;
      const time = times[index] ?? 0;
      first = Math.min(first, time);
      last = Math.max(last, time);
      lowest = Math.min(lowest, number);
      highest = Math.max(highest, number);
    });
  }
  return first <= last ? { first, last, lowest, highest } : null;
}

function segmentsOf({ times, numbers }: Series, place: (time: number, number: number) => Place): readonly Place[][] {
  const segments: Place[][] = [[]];
  numbers.forEach((number, index) => {
    if (Number.isNaN(number)) segments.push([]);
    else segments.at(-1)?.push(place(times[index] ?? 0, number));
  });
  return segments.filter(({ length }) => length > 0);
}

function lineOf(places: readonly Place[]): string {
  // A point without neighbours is drawn as a line of no length, which has round ends.
  if (places.length === 1 && places[0] !== undefined) return `M${places[0].x} ${places[0].y}h0`;
  return places.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join("");
}

function areaOf(places: readonly Place[]): string {
  const first = places[0];
  return first === undefined || places.length < 2 ? "" : `${lineOf(places)}V${HEIGHT}H${first.x}Z`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

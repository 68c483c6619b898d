// SPDX-License-Identifier: BSD-3-Clause
import type { Series } from "./ring";

/** How old a value may be that nobody knows how often to expect, in seconds. */
export const UNKNOWN_PATIENCE = 60;
/** A value is stale once so many of the usual intervals have passed without another one. */
const MISSED = 3;
/** And never before so many seconds: connections have their hiccups. */
const LEAST = 10;
/** Of what is stale, so many times as old is old. */
const OLD = 10;
/** Intervals by which it is known what is usual. */
const INTERVALS = 16;
/** Points between which there are so many. */
export const LATE = INTERVALS + 1;

/** How much a value has faded: not at all, `stale`, or `old`. */
export type Fading = "" | "stale" | "old";

/** How often a resource usually speaks, in seconds, by its last points; null if that is not known (yet). */
export function usualInterval({ times, numbers }: Series): number | null {
  const said = times.filter((_time, index) => !Number.isNaN(numbers[index] ?? Number.NaN)).slice(-LATE);
  if (said.length < 3) return null;
  const intervals = said.subarray(1).map((time, index) => time - (said[index] ?? time)).sort();
  return intervals[Math.floor(intervals.length / 2)] ?? null;
}

/** How old a value may get, in seconds, before it counts as stale. */
export function patienceFor(course: Series): number {
  const interval = usualInterval(course);
  return interval === null ? UNKNOWN_PATIENCE : Math.max(LEAST, MISSED * interval);
}

/** How much a value of an age has faded; `late` gives its last points, which only old ones need. */
export function fadingOf(age: number, late: () => Series): Fading {
  if (age <= LEAST) return "";
  const patience = patienceFor(late());
  if (age <= patience) return "";
  return age <= OLD * patience ? "stale" : "old";
}

// SPDX-License-Identifier: BSD-3-Clause
import type { Point } from "./state";

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

/** How much a value has faded: not at all, `stale`, or `old`. */
export type Fading = "" | "stale" | "old";

/** How often a resource usually speaks, in seconds; null if that is not known (yet). */
export function usualInterval(points: readonly Point[]): number | null {
  const late = points.slice(-(INTERVALS + 1));
  if (late.length < 3) return null;
  const gaps: number[] = [];
  let last: number | null = null;
  for (const { time } of late) {
    if (last !== null) gaps.push(time - last);
    last = time;
  }
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)] ?? null;
}

/** How old a value may get, in seconds, before it counts as stale. */
export function patienceFor(points: readonly Point[]): number {
  const interval = usualInterval(points);
  return interval === null ? UNKNOWN_PATIENCE : Math.max(LEAST, MISSED * interval);
}

export function fadingOf(age: number, patience: number): Fading {
  if (age <= patience) return "";
  return age <= OLD * patience ? "stale" : "old";
}

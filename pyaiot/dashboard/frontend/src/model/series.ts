// SPDX-License-Identifier: BSD-3-Clause
import type { Series } from "./ring";

/** What there is to say about the numbers of a series; null where it has none. */
export interface Summary {
  readonly lowest: number;
  readonly mean: number;
  readonly highest: number;
  /** How many numbers there are, gaps not counted. */
  readonly count: number;
}

/** Some time, from one moment to another, in seconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export function summaryOf({ times, numbers, spread }: Series, { from, to }: Span): Summary | null {
  let count = 0;
  let sum = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < times.length; index += 1) {
    const time = times[index] ?? 0;
    const number = numbers[index] ?? Number.NaN;
    if (time < from || time > to || Number.isNaN(number)) continue;
    const readings = spread?.counts[index] ?? 1;
    count += readings;
    sum += number * readings;
    lowest = Math.min(lowest, spread?.lows[index] ?? number);
    highest = Math.max(highest, spread?.highs[index] ?? number);
  }
  return count === 0 ? null : { lowest, mean: sum / count, highest, count };
}

/** Where the line of a course crosses a moment: between the numbers beside it; null in a gap, and beyond its ends. */
export function crossingOf({ times, numbers }: Series, moment: number): number | null {
  const next = times.findIndex((time) => time >= moment);
  const [time, before] = [times[next] ?? Number.NaN, times[next - 1] ?? Number.NaN];
  const [number, last] = [numbers[next] ?? Number.NaN, numbers[next - 1] ?? Number.NaN];
  const crossing = last + ((number - last) * (moment - before)) / (time - before);
  return Number.isFinite(crossing) ? crossing : null;
}

/** The numbers in a span, without gaps, newest first, at most so many. */
export function rowsOf({ times, numbers }: Series, { from, to }: Span, most: number): readonly { time: number; number: number }[] {
  const rows: { time: number; number: number }[] = [];
  for (let index = times.length - 1; index >= 0 && rows.length < most; index -= 1) {
    const time = times[index] ?? 0;
    const number = numbers[index] ?? Number.NaN;
    if (time >= from && time <= to && !Number.isNaN(number)) rows.push({ time, number });
  }
  return rows;
}

/**
 * Where numbers of a resource usually lie (WIRE.md section 7).
 *
 * Acceleration is in thousandths of the earth's, the rate of turn in degrees per second.
 */
const USUAL: ReadonlyMap<string, readonly [number, number]> = new Map([
  ["temperature", [-15, 40]],
  ["pressure", [950, 1030]],
  ["humidity", [0, 100]],
  ["eco2", [400, 8192]],
  ["tvoc", [0, 1187]],
  ["tsp", [0, 1187]],
  ["tlp", [0, 1187]],
  ["imu acc", [0, 5000]],
  ["imu gyro", [-800, 800]],
]);

/** The part of the usual range that a chart shows at least. */
const LEAST_PART = 0.05;
/** Room above and below, as a part of what is shown. */
const MARGIN = 0.08;

export interface Scale {
  readonly bottom: number;
  readonly top: number;
}

/**
 * What a chart shows of the numbers from `lowest` to `highest`.
 *
 * It fits the numbers, but where their usual range is known it does not make a storm of a breath:
 * it shows at least a part of that range. Nor does it leave room beyond the range (humidity below
 * zero) unless numbers lie there.
 */
export function scaleOf(name: string, lowest: number, highest: number): Scale {
  const usual = USUAL.get(name);
  const least = usual === undefined ? leastOf(lowest, highest) : (usual[1] - usual[0]) * LEAST_PART;
  const height = Math.max(highest - lowest, least) * (1 + 2 * MARGIN);
  const middle = (lowest + highest) / 2;
  const scale = { bottom: middle - height / 2, top: middle + height / 2 };
  if (usual === undefined) return scale;
  const [floor, ceiling] = usual;
  if (scale.bottom < floor && lowest >= floor) return { bottom: floor, top: Math.max(floor + height, highest) };
  if (scale.top > ceiling && highest <= ceiling) return { bottom: Math.min(ceiling - height, lowest), top: ceiling };
  return scale;
}

/** A number that never changes lies in the middle of something. */
function leastOf(lowest: number, highest: number): number {
  if (highest > lowest) return highest - lowest;
  return lowest === 0 ? 1 : Math.abs(lowest) * 0.02;
}

/** Ranges that are offered, in seconds. */
export const RANGES = [30, 300, 1800, 21_600, 86_400, 604_800, 2_592_000, 31_536_000] as const;
/** How far a chart reaches back: some seconds, or as far as anything is known. */
export type Range = (typeof RANGES)[number] | "all";

/** The range in an address; the shortest where it names none that there is. */
export function rangeOf(text: string | undefined): Range {
  if (text === "all") return "all";
  return RANGES.find((range) => String(range) === text) ?? RANGES[0];
}

/** Characters of an address that can be a span. */
const LONGEST_SPAN = 40;

/** The span in an address; null where it names none. */
export function spanOf(text: string | undefined): Span | null {
  const found = /^(\d{1,11}(?:\.\d{1,3})?)~(\d{1,11}(?:\.\d{1,3})?)$/.exec(text?.slice(0, LONGEST_SPAN) ?? "");
  const [from, to] = [Number(found?.[1]), Number(found?.[2])];
  return found !== null && from < to ? { from, to } : null;
}

/** How a span stands in an address. */
export function spanText({ from, to }: Span): string {
  return `${String(Number(from.toFixed(2)))}~${String(Number(to.toFixed(2)))}`;
}

/**
 * The ranges worth offering to somebody who looks at `chosen`: those that show more than the one
 * before, for what is known reaches back `seconds`.
 */
export function rangesFor(seconds: number, chosen: Range): readonly Range[] {
  const offered: Range[] = RANGES.filter(
    (range, index) => index === 0 || range === chosen || seconds > (RANGES[index - 1] ?? 0),
  );
  return [...offered, "all"];
}

/** The shortest time that can be looked at, in seconds. */
const SHORTEST = 0.5;

/** A span brought nearer (`factor` below one) or farther, around a place in it from 0 to 1, within `most`. */
export function zoomed(span: Span, factor: number, around: number, most: Span): Span {
  const before = span.to - span.from;
  const length = Math.min(Math.max(before * factor, SHORTEST), most.to - most.from);
  const from = span.from + (before - length) * around;
  return shifted({ from, to: from + length }, 0, most);
}

/** A span moved by a part of itself into the past (negative) or towards the present, within `most`. */
export function shifted({ from, to }: Span, part: number, most: Span): Span {
  const by = Math.min(Math.max((to - from) * part, most.from - from), most.to - to);
  return { from: from + by, to: to + by };
}

// SPDX-License-Identifier: BSD-3-Clause
import { shallowRef } from "vue";

import type { Source } from "./memory";
import { NO_SERIES, type Series } from "./ring";
import type { Span } from "./series";

/** What is stored of a track: how far back, and a course of so many points over some time. */
export interface Archive {
  /** When each track of a node was first stored, by `trackKey`, in seconds since the epoch. */
  beginnings(uid: string): Promise<ReadonlyMap<string, number>>;
  course(uid: string, endpoint: string, track: string, span: Span, points: number): Promise<Series>;
}

/** A name for a track among those of its node. */
export function trackKey(endpoint: string, track: string): string {
  return `${endpoint}\n${track}`;
}

/** Points of a course: about as many as a chart is wide. */
const POINTS = 500;
/** What is fetched beside what is looked at, as a part of it: for who moves on a little. */
const MARGIN = 0.5;
/** A course over so many times what would be fetched is too coarse. */
const COARSE = 2;
/** Courses that are kept. */
const KEPT = 24;
/** Seconds for which nothing is asked again that could not be had. */
const PAUSE = 5;

interface Chapter {
  readonly key: string;
  readonly span: Span;
  /** Null while it is on its way, or could not be had. */
  series: Series | null;
  failedAt: number | null;
}

/**
 * The page's memory, and before it what is stored.
 *
 * What is asked for is there at once as far as it is known; the rest is fetched, and `version`
 * changes when it has come: whoever has read before then reads again.
 */
export class Annals implements Source {
  readonly version = shallowRef(0);

  private readonly firsts = new Map<string, ReadonlyMap<string, number> | null>();
  private chapters: Chapter[] = [];

  /** `steady` is a clock in seconds. */
  constructor(
    private readonly memory: Source,
    private readonly archive: Archive,
    private readonly steady: () => number,
  ) {}

  /** Learn how far back the tracks of a node go. Fails quietly: then there is the memory. */
  async open(uid: string): Promise<void> {
    if (this.firsts.has(uid)) return;
    this.firsts.set(uid, null);
    try {
      this.firsts.set(uid, await this.archive.beginnings(uid));
      this.version.value += 1;
    } catch {
      this.firsts.delete(uid);
    }
  }

  /** Forget what was fetched: somebody else may be looking now. */
  clear(): void {
    this.firsts.clear();
    this.chapters = [];
    this.version.value += 1;
  }

  since(uid: string, endpoint: string, track: string): number | null {
    this.followed();
    const seen = this.memory.since(uid, endpoint, track);
    const stored = this.firsts.get(uid)?.get(trackKey(endpoint, track)) ?? null;
    if (seen === null || stored === null) return seen ?? stored;
    return Math.min(seen, stored);
  }

  read(uid: string, endpoint: string, track: string, from: number, to: number): Series {
    this.followed();
    const recent = this.memory.read(uid, endpoint, track, from, to);
    const seen = this.memory.since(uid, endpoint, track) ?? Number.POSITIVE_INFINITY;
    const first = this.firsts.get(uid)?.get(trackKey(endpoint, track)) ?? Number.POSITIVE_INFINITY;
    if (Math.max(from, first) >= seen || first > to || to <= from) return recent;
    const wanted = { from: Math.max(from, first), to: Math.min(to, seen) };
    // What the page saw itself is not asked for: in a point for many readings it would count twice.
    const beside = (to - from) * MARGIN;
    const ample = { from: wanted.from - beside, to: Math.min(wanted.to + beside, seen) };
    const chapter = this.chapter(uid, endpoint, track, wanted, ample);
    return chapter === null ? recent : joined(until(chapter, seen), recent);
  }

  /** Whether something is on its way. */
  get busy(): boolean {
    this.followed();
    return this.chapters.some(({ series, failedAt }) => series === null && failedAt === null);
  }

  /** Whoever computes something from what is known here computes it anew when more has come. */
  private followed(): number {
    return this.version.value;
  }

  /** The best that is there for a span; where something better is `wanted`, an `ample` one is fetched. */
  private chapter(uid: string, endpoint: string, track: string, wanted: Span, ample: Span): Series | null {
    const key = `${uid}\n${trackKey(endpoint, track)}`;
    const own = this.chapters.filter((each) => each.key === key && covers(each.span, wanted));
    const fine = own.filter(({ span }) => lengthOf(span) <= lengthOf(ample) * COARSE);
    const now = this.steady();
    if (!fine.some(({ failedAt }) => failedAt === null || now - failedAt < PAUSE)) {
      this.fetch(uid, endpoint, track, ample, key);
    }
    const there = own.filter(({ series }) => series !== null);
    there.sort((one, other) => lengthOf(one.span) - lengthOf(other.span));
    return there[0]?.series ?? null;
  }

  private fetch(uid: string, endpoint: string, track: string, span: Span, key: string): void {
    const chapter: Chapter = { key, span, series: null, failedAt: null };
    this.chapters = [...this.chapters.slice(-KEPT + 1), chapter];
    void this.archive
      .course(uid, endpoint, track, span, Math.round(POINTS * (1 + 2 * MARGIN)))
      .then(
        (series) => {
          chapter.series = series;
        },
        () => {
          chapter.failedAt = this.steady();
        },
      )
      .finally(() => {
        this.version.value += 1;
      });
  }
}

function lengthOf({ from, to }: Span): number {
  return to - from;
}

function covers(outer: Span, inner: Span): boolean {
  return outer.from <= inner.from && outer.to >= inner.to;
}

/** The points of a series before `time`. */
function until(series: Series, time: number): Series {
  let end = series.times.length;
  while (end > 0 && (series.times[end - 1] ?? 0) >= time) end -= 1;
  return {
    times: series.times.subarray(0, end),
    numbers: series.numbers.subarray(0, end),
    ...(series.spread && {
      spread: {
        lows: series.spread.lows.subarray(0, end),
        highs: series.spread.highs.subarray(0, end),
        counts: series.spread.counts.subarray(0, end),
      },
    }),
  };
}

function joined(early: Series, late: Series): Series {
  if (late.times.length === 0) return early;
  if (early.times.length === 0) return late;
  const spread = early.spread && {
    lows: both(early.spread.lows, late.spread?.lows ?? late.numbers),
    highs: both(early.spread.highs, late.spread?.highs ?? late.numbers),
    counts: both(early.spread.counts, late.spread?.counts ?? new Float64Array(late.times.length).fill(1)),
  };
  return { times: both(early.times, late.times), numbers: both(early.numbers, late.numbers), ...(spread && { spread }) };
}

function both(one: Float64Array, other: Float64Array): Float64Array {
  const result = new Float64Array(one.length + other.length);
  result.set(one);
  result.set(other, one.length);
  return result;
}

/**
 * A course as the server tells it, with gaps where there was silence.
 *
 * Silence of more than some steps, or of much more than is usual between readings, ends the line.
 */
export function seriesOf(points: readonly (readonly [number, number, number, number, number])[], step: number): Series {
  if (points.length === 0) return NO_SERIES;
  const limit = gapLimit(points.map(([time]) => time), step);
  const rows: (readonly [number, number, number, number, number])[] = [];
  let before: number | null = null;
  for (const point of points) {
    if (before !== null && point[0] - before > limit) rows.push([before, Number.NaN, Number.NaN, Number.NaN, 0]);
    rows.push(point);
    before = point[0];
  }
  const column = (index: 0 | 1 | 2 | 3 | 4): Float64Array => Float64Array.from(rows, (row) => row[index]);
  const series = { times: column(0), numbers: column(2) };
  return step === 0 ? series : { ...series, spread: { lows: column(1), highs: column(3), counts: column(4) } };
}

/** Silence that is a gap, in seconds: several times what is usual. */
const USUAL_TIMES = 4;

function gapLimit(times: readonly number[], step: number): number {
  const intervals = times.slice(1).map((time, index) => time - (times[index] ?? time));
  intervals.sort((one, other) => one - other);
  const usual = intervals[Math.floor(intervals.length / 2)] ?? 0;
  return Math.max(step * 2.5, usual * USUAL_TIMES, 10);
}

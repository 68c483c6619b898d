// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { Annals, seriesOf, trackKey, type Archive } from "../../src/model/annals";
import type { Source } from "../../src/model/memory";
import { NO_SERIES, type Series } from "../../src/model/ring";
import { summaryOf, type Span } from "../../src/model/series";

const UID = "1234";

function series(...points: readonly (readonly [number, number])[]): Series {
  return { times: Float64Array.from(points, ([time]) => time), numbers: Float64Array.from(points, ([, number]) => number) };
}

/** A memory that knows a number of each second from `since` on. */
function memory(since: number | null): Source {
  return {
    since: () => since,
    read: (_uid, _endpoint, _track, from, to) => {
      if (since === null) return NO_SERIES;
      const times = Array.from({ length: Math.max(0, Math.floor(to) - Math.max(from, since) + 1) }, (_, index) => Math.max(from, since) + index);
      return series(...times.map((time) => [time, 1] as const));
    },
  };
}

class Store implements Archive {
  readonly asked: { span: Span; endpoint: string; points: number }[] = [];
  fails = false;

  constructor(private readonly first = 0) {}

  beginnings(): Promise<ReadonlyMap<string, number>> {
    if (this.fails) return Promise.reject(new Error("away"));
    return Promise.resolve(new Map([[trackKey("temperature", ""), this.first]]));
  }

  course(_uid: string, endpoint: string, _track: string, span: Span, points: number): Promise<Series> {
    this.asked.push({ span, endpoint, points });
    if (this.fails) return Promise.reject(new Error("away"));
    const times = Array.from({ length: 11 }, (_, index) => span.from + ((span.to - span.from) * index) / 10);
    return Promise.resolve(seriesOf(times.map((time) => [time, 0, 5, 9, 60] as const), (span.to - span.from) / 10));
  }
}

async function opened(since: number | null, store = new Store()): Promise<{ annals: Annals; store: Store; turn: (to: number) => void }> {
  let clock = 0;
  const annals = new Annals(memory(since), store, () => clock);
  await annals.open(UID);
  return {
    annals,
    store,
    turn: (to) => {
      clock = to;
    },
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe("annals", () => {
  it("begin where the store does, or the memory", async () => {
    const { annals } = await opened(900, new Store(100));
    expect(annals.since(UID, "temperature", "")).toBe(100);
    expect(annals.since(UID, "other", "")).toBe(900);
    expect((await opened(50, new Store(100))).annals.since(UID, "temperature", "")).toBe(50);
    expect((await opened(null, new Store(100))).annals.since(UID, "temperature", "")).toBe(100);
  });

  it("ask nobody for what the page has seen itself", async () => {
    const { annals, store } = await opened(900);
    expect(annals.read(UID, "temperature", "", 950, 960).times).toHaveLength(11);
    expect(annals.read(UID, "other", "", 100, 960).times).toHaveLength(61);
    expect(store.asked).toEqual([]);
  });

  it("fetch what was before, with something beside it, and join it to what was seen", async () => {
    const { annals, store } = await opened(900);
    const before = annals.version.value;
    expect(annals.read(UID, "temperature", "", 500, 1000).times[0]).toBe(900);
    expect(annals.busy).toBe(true);
    expect(store.asked.map(({ span }) => span)).toEqual([{ from: 250, to: 900 }]);
    await settled();
    expect(annals.busy).toBe(false);
    expect(annals.version.value).toBeGreaterThan(before);
    const { times, numbers, spread } = annals.read(UID, "temperature", "", 500, 1000);
    expect([...times]).toEqual([...times].sort((one, other) => one - other));
    expect([...numbers].slice(-101)).toEqual(new Array(101).fill(1));
    expect(spread?.counts[0]).toBe(60);
    expect(spread?.counts.at(-1)).toBe(1);
    expect(summaryOf({ times, numbers, ...(spread && { spread }) }, { from: 500, to: 1000 })).toMatchObject({ lowest: 0, highest: 9 });
    expect(store.asked).toHaveLength(1);
  });

  it("do with a course that is near enough, and fetch a finer one for who looks closely", async () => {
    const { annals, store } = await opened(9000);
    annals.read(UID, "temperature", "", 0, 4000);
    await settled();
    annals.read(UID, "temperature", "", 500, 3500);
    expect(store.asked).toHaveLength(1);
    expect(annals.read(UID, "temperature", "", 1000, 1100).times).not.toHaveLength(0);
    expect(store.asked).toHaveLength(2);
  });

  it("ask again for what could not be had, though not at once", async () => {
    const { annals, store, turn } = await opened(900);
    store.fails = true;
    annals.read(UID, "temperature", "", 500, 1000);
    await settled();
    annals.read(UID, "temperature", "", 500, 1000);
    expect(store.asked).toHaveLength(1);
    turn(6);
    store.fails = false;
    annals.read(UID, "temperature", "", 500, 1000);
    await settled();
    expect(annals.read(UID, "temperature", "", 500, 1000).times[0]).toBeLessThan(600);
    expect(store.asked).toHaveLength(2);
  });

  it("are the memory alone where there is no store", async () => {
    const store = new Store();
    store.fails = true;
    const { annals } = await opened(900, store);
    expect(annals.since(UID, "temperature", "")).toBe(900);
    expect(annals.read(UID, "temperature", "", 500, 1000).times[0]).toBe(900);
    expect(store.asked).toEqual([]);
    store.fails = false;
    await annals.open(UID);
    expect(annals.since(UID, "temperature", "")).toBe(0);
  });

  it("forget all when somebody else looks", async () => {
    const { annals } = await opened(900);
    annals.clear();
    expect(annals.since(UID, "temperature", "")).toBe(900);
  });

  it("keep a bounded number of courses", async () => {
    const { annals, store } = await opened(1e6);
    for (let number = 0; number < 100; number += 1) annals.read(UID, "temperature", "", number * 5000, number * 5000 + 10);
    await settled();
    const asked = store.asked.length;
    annals.read(UID, "temperature", "", 0, 10);
    expect(store.asked).toHaveLength(asked + 1);
  });
});

describe("a course of the server", () => {
  it("has gaps where there was silence", () => {
    const points = [0, 1, 2, 3, 100, 101].map((time) => [time, 1, 1, 1, 1] as const);
    const { numbers, spread } = seriesOf(points, 0);
    expect([...numbers].map(Number.isNaN)).toEqual([false, false, false, false, true, false, false]);
    expect(spread).toBeUndefined();
  });

  it("has none between steps, nor where little is usual", () => {
    expect(seriesOf([0, 60, 120, 180].map((time) => [time, 1, 2, 3, 9] as const), 60).numbers).toHaveLength(4);
    expect(seriesOf([0, 600, 1200, 2400].map((time) => [time, 1, 2, 3, 1] as const), 0).numbers).toHaveLength(4);
    expect(seriesOf([], 60)).toBe(NO_SERIES);
  });
});

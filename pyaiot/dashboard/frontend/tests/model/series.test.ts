// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { crossingOf, rangeOf, rangesFor, rowsOf, scaleOf, shifted, spanOf, spanText, summaryOf, zoomed } from "../../src/model/series";
import type { Series } from "../../src/model/ring";

const series = (...points: readonly (readonly [number, number])[]): Series => ({
  times: Float64Array.from(points, ([time]) => time),
  numbers: Float64Array.from(points, ([, number]) => number),
});

const SOME = series([0, 100], [10, 1], [20, 3], [20, Number.NaN], [30, 5]);

describe("summaryOf", () => {
  it("tells only of what is in sight, without gaps", () => {
    expect(summaryOf(SOME, { from: 10, to: 30 })).toEqual({ lowest: 1, mean: 3, highest: 5, count: 3 });
    expect(summaryOf(SOME, { from: 11, to: 19 })).toBeNull();
  });
});

describe("rowsOf", () => {
  it("has the newest first, and no gaps", () => {
    expect(rowsOf(SOME, { from: 10, to: 30 }, 2)).toEqual([
      { time: 30, number: 5 },
      { time: 20, number: 3 },
    ]);
    expect(rowsOf(SOME, { from: 5, to: 25 }, 9).map(({ time }) => time)).toEqual([20, 10]);
  });
});

describe("crossingOf", () => {
  it("is between the numbers beside a moment", () => {
    expect(crossingOf(SOME, 5)).toBe(50.5);
    expect(crossingOf(SOME, 10)).toBe(1);
  });

  it("is nowhere in a gap, and beyond the ends", () => {
    expect([crossingOf(SOME, 25), crossingOf(SOME, -1), crossingOf(SOME, 31), crossingOf(series(), 1)]).toEqual([null, null, null, null]);
  });
});

describe("scaleOf", () => {
  it("shows at least a part of the usual range, with the numbers in its middle", () => {
    const { bottom, top } = scaleOf("temperature", 21, 21.2);
    expect(top - bottom).toBeGreaterThan(2.7);
    expect((top + bottom) / 2).toBeCloseTo(21.1);
  });

  it("leaves the usual range only where the numbers do", () => {
    expect(scaleOf("humidity", 1, 20).bottom).toBe(0);
    expect(scaleOf("humidity", 80, 99).top).toBe(100);
    expect(scaleOf("humidity", -5, 20).bottom).toBeLessThan(-5);
    expect(scaleOf("humidity", 50, 120).top).toBeGreaterThan(120);
    for (const [lowest, highest] of [[0, 0], [100, 100], [0, 100], [3, 97]] as const) {
      const { bottom, top } = scaleOf("humidity", lowest, highest);
      expect(bottom).toBeLessThanOrEqual(lowest);
      expect(top).toBeGreaterThanOrEqual(highest);
      expect(top).toBeGreaterThan(bottom);
    }
  });

  it("fits what is not known", () => {
    expect(scaleOf("frobs", 0, 100).bottom).toBeCloseTo(-8);
    expect(scaleOf("frobs", 0, 100).top).toBeCloseTo(108);
    expect(scaleOf("frobs", 0, 0).top).toBeGreaterThan(0);
    const { bottom, top } = scaleOf("frobs", 1000, 1000);
    expect(top - bottom).toBeGreaterThan(20);
  });
});

describe("ranges", () => {
  it("come from the address", () => {
    expect(["30", "300", "86400", "all", "31", "", undefined].map(rangeOf)).toEqual([30, 300, 86_400, "all", 30, 30, 30]);
  });

  it("are offered as far as there is something to see", () => {
    expect(rangesFor(5, 30)).toEqual([30, "all"]);
    expect(rangesFor(31, 30)).toEqual([30, 300, "all"]);
    expect(rangesFor(5, 1800)).toEqual([30, 1800, "all"]);
    expect(rangesFor(9999, "all")).toEqual([30, 300, 1800, 21_600, "all"]);
    expect(rangesFor(5_000_000, 30)).toEqual([30, 300, 1800, 21_600, 86_400, 604_800, 2_592_000, 31_536_000, "all"]);
  });
});

describe("a span", () => {
  it("stands in the address, and is known again", () => {
    expect(spanOf(spanText({ from: 1_700_000_000.25, to: 1_700_000_600 }))).toEqual({ from: 1_700_000_000.25, to: 1_700_000_600 });
    for (const text of [undefined, "", "1", "2~1", "1~1", "a~b", "1~2~3", "-1~2", "1e3~1e4", `1~${"9".repeat(99)}`]) {
      expect(spanOf(text)).toBeNull();
    }
  });

  const most = { from: 0, to: 100 };

  it("is zoomed around a place in it, within what there is", () => {
    expect(zoomed({ from: 0, to: 100 }, 0.5, 0.5, most)).toEqual({ from: 25, to: 75 });
    expect(zoomed({ from: 0, to: 100 }, 0.5, 1, most)).toEqual({ from: 50, to: 100 });
    expect(zoomed({ from: 50, to: 100 }, 10, 0.5, most)).toEqual(most);
    expect(zoomed({ from: 80, to: 100 }, 2, 0.5, most)).toEqual({ from: 60, to: 100 });
    const { from, to } = zoomed({ from: 50, to: 51 }, 0.001, 0.5, most);
    expect(to - from).toBe(0.5);
  });

  it("is moved within what there is", () => {
    expect(shifted({ from: 40, to: 60 }, -0.5, most)).toEqual({ from: 30, to: 50 });
    expect(shifted({ from: 40, to: 60 }, Number.NEGATIVE_INFINITY, most)).toEqual({ from: 0, to: 20 });
    expect(shifted({ from: 40, to: 60 }, 9, most)).toEqual({ from: 80, to: 100 });
    expect(shifted({ from: 0, to: 20 }, -1, most)).toEqual({ from: 0, to: 20 });
  });
});

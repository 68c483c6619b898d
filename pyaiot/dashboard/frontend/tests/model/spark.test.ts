// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import type { Series } from "../../src/model/ring";
import { sparkOf } from "../../src/model/spark";

const series = (...points: readonly (readonly [number, number])[]): Series => ({
  times: Float64Array.from(points, ([time]) => time),
  numbers: Float64Array.from(points, ([, number]) => number),
});

describe("sparkOf", () => {
  it("has nothing to show for less than two moments", () => {
    expect(sparkOf([series()])).toBeNull();
    expect(sparkOf([series([1, 5])])).toBeNull();
    expect(sparkOf([series([1, 5], [1, 6])])).toBeNull();
    expect(sparkOf([series([1, 5], [2, Number.NaN])])).toBeNull();
  });

  it("spans the time and the values there are", () => {
    expect(sparkOf([series([10, 0], [15, 10], [20, 5])])).toEqual({
      lines: ["M0 27.2L50 4.8L100 16"],
      area: "M0 27.2L50 4.8L100 16V32H0Z",
      ends: [{ x: 100, y: 16 }],
      lowest: 0,
      highest: 10,
      seconds: 10,
    });
  });

  it("draws what never changes in the middle", () => {
    expect(sparkOf([series([0, 7], [1, 7])])?.lines).toEqual(["M0 16L100 16"]);
  });

  it("draws a breath of wind as a breath", () => {
    const lines = sparkOf([series([0, 20], [1, 20.1])], "temperature")?.lines;
    const heights = [...(lines?.[0] ?? "").matchAll(/[ML]\S+ (\S+?)(?=L|$)/g)].map(([, y]) => Number(y));
    expect(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0))).toBeLessThan(2);
  });

  it("leaves gaps open", () => {
    const spark = sparkOf([series([0, 1], [1, 1], [1, Number.NaN], [3, 1], [4, Number.NaN])]);
    expect(spark?.lines).toEqual(["M0 16L33.3 16M100 16h0"]);
    expect(spark?.area).toBe("M0 16L33.3 16V32H0Z");
    expect(spark?.ends).toEqual([null]);
  });

  it("draws several courses on one scale", () => {
    const spark = sparkOf([series([0, 0], [10, 0]), series([0, 10], [10, 10]), series()]);
    expect(spark?.lines).toEqual(["M0 27.2L100 27.2", "M0 4.8L100 4.8", ""]);
    expect(spark?.ends).toEqual([{ x: 100, y: 27.2 }, { x: 100, y: 4.8 }, null]);
  });
});

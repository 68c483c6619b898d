// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { anglesOf, matrixOf, motionOf, norm, turned, UPRIGHT, type Quaternion, type Triple } from "../../src/model/imu";
import type { Json } from "../../src/wire/messages";

describe("motionOf", () => {
  it("reads text and lists, of one sensor or several", () => {
    expect(motionOf('[{"type":"acc","values":[1,2,3]}]')).toEqual({ acc: [1, 2, 3] });
    expect(motionOf([{ type: "gyro", values: [1, 2, 3] }, { type: "mag", values: ["4", 5, 6] }])).toEqual({
      gyro: [1, 2, 3],
      mag: [4, 5, 6],
    });
  });

  it.each<Json | undefined>([
    undefined,
    null,
    "hello",
    [],
    { type: "acc", values: [1, 2, 3] },
    [{ type: "acc", values: [1, 2] }],
    [{ type: "acc", values: [1, 2, "x"] }],
    [{ type: "heat", values: [1, 2, 3] }],
    [null, 1, ["acc"], { type: "acc" }],
  ])("finds none in %j", (value) => {
    expect(motionOf(value)).toBeNull();
  });
});

it("knows the length of a vector", () => {
  expect(norm([2, 3, 6])).toBe(7);
});

describe("turned", () => {
  const after = (rate: Triple, steps: number, seconds: number): Quaternion =>
    Array.from({ length: steps }).reduce<Quaternion>((turn) => turned(turn, rate, seconds), UPRIGHT);

  it.each<[Triple, "roll" | "pitch" | "yaw"]>([
    [[30, 0, 0], "roll"],
    [[0, 30, 0], "pitch"],
    [[0, 0, 30], "yaw"],
  ])("turns at %j", (rate, axis) => {
    const angles = anglesOf(after(rate, 20, 0.1));
    expect(angles[axis]).toBeCloseTo(60);
    expect(Math.abs(angles.roll) + Math.abs(angles.pitch) + Math.abs(angles.yaw)).toBeCloseTo(60);
  });

  it("turns around the body's own axes, in their order", () => {
    const first = turned(turned(UPRIGHT, [90, 0, 0], 1), [0, 90, 0], 1);
    const second = turned(turned(UPRIGHT, [0, 90, 0], 1), [90, 0, 0], 1);
    expect(first).not.toEqual(second);
    // Having rolled onto its side, the body's y axis is the world's z axis.
    expect(anglesOf(turned(turned(UPRIGHT, [90, 0, 0], 1), [0, 45, 0], 1)).yaw).toBeCloseTo(45);
  });

  it("stays a turn for ever", () => {
    expect(Math.hypot(...after([123, -77, 31], 20_000, 0.2))).toBeCloseTo(1, 10);
  });

  it("does not guess what happened in a long pause, or before", () => {
    expect(anglesOf(turned(UPRIGHT, [0, 0, 10], 3600)).yaw).toBeCloseTo(10);
    expect(turned(UPRIGHT, [0, 0, 10], -5)).toBe(UPRIGHT);
    expect(turned(UPRIGHT, [0, 0, 0], 1)).toBe(UPRIGHT);
  });
});

describe("matrixOf", () => {
  it("leaves what is upright as it is", () => {
    expect(matrixOf(UPRIGHT)).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });

  it("turns to the left what turns to the left, though y points down in CSS", () => {
    // A quarter around the axis that points at the reader: x goes where y was, which is up.
    const [x, y] = matrixOf(turned(UPRIGHT, [0, 0, 90], 1));
    expect([x, y]).toEqual([0, -1]);
  });
});

// SPDX-License-Identifier: BSD-3-Clause
import { expect, it } from "vitest";

import { Ring } from "../../src/model/ring";

function filled(capacity: number, count: number): Ring {
  const ring = new Ring(capacity);
  for (let index = 0; index < count; index += 1) ring.push(index, index * 10);
  return ring;
}

it("keeps the newest", () => {
  const ring = filled(4, 6);
  expect([...ring.slice(0, ring.size).times]).toEqual([2, 3, 4, 5]);
  expect([...ring.slice(1, 3).numbers]).toEqual([30, 40]);
  expect([ring.timeAt(0), ring.timeAt(-1), ring.numberAt(-1)]).toEqual([2, 5, 50]);
  expect(ring.timeAt(4)).toBeNaN();
  expect(ring.timeAt(-5)).toBeNaN();
});

it("finds moments", () => {
  const ring = filled(4, 6);
  expect([0, 2, 2.5, 5, 9].map((time) => ring.olderThan(time))).toEqual([0, 0, 1, 3, 4]);
});

it("forgets what came from a time on", () => {
  const ring = filled(4, 6);
  ring.cut(4);
  expect([...ring.slice(0, ring.size).times]).toEqual([2, 3]);
  ring.push(7, 70);
  expect([...ring.slice(0, ring.size).times]).toEqual([2, 3, 7]);
  ring.cut(-1);
  expect(ring.size).toBe(0);
});

it("grows without losing, and shrinks by losing the oldest", () => {
  const ring = filled(4, 6);
  ring.resize(8);
  expect([...ring.slice(0, ring.size).times]).toEqual([2, 3, 4, 5]);
  ring.push(6, 60);
  ring.resize(2);
  expect(ring.full).toBe(true);
  expect([...ring.slice(0, ring.size).times]).toEqual([5, 6]);
});

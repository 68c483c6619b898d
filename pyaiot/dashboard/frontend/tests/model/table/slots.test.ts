// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { slotsFor } from "../../../src/model/table/slots";

describe("slotsFor", () => {
  it("keeps the places of those that stay, and gives those of who left to who comes", () => {
    const first = slotsFor(new Map(), ["a", "b", "c"]);
    expect([...first]).toEqual([["a", 0], ["b", 1], ["c", 2]]);
    const next = slotsFor(first, ["c", "d", "e", "f"]);
    expect(Object.fromEntries(next)).toEqual({ c: 2, d: 0, e: 1, f: 3 });
  });

  it("gives no place twice, however rows come and go", () => {
    let slots = slotsFor(new Map(), []);
    for (let top = 0; top < 50; top += 3) {
      const uids = Array.from({ length: 7 + (top % 4) }, (_each, index) => String(top + index));
      slots = slotsFor(slots, uids);
      expect([...slots.keys()].sort()).toEqual([...uids].sort());
      expect(new Set(slots.values()).size).toBe(uids.length);
      expect(Math.max(...slots.values())).toBeLessThan(11);
    }
  });
});

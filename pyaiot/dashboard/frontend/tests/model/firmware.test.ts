// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { firmwareOf, type Stand } from "../../src/model/firmware";
import words from "../../src/words/en/control.json";
import type { Json } from "../../src/wire/messages";

describe("firmwareOf", () => {
  it.each<[string, Stand]>([
    ["0", "idle"],
    ["1", "working"],
    ["2", "working"],
    ["3", "failed"],
    ["4", "working"],
    ["5", "failed"],
    ["6", "working"],
    ["7", "working"],
    ["8", "failed"],
    ["9", "working"],
    ["10", "failed"],
    ["11", "done"],
    ["12", "working"],
  ])("%s is %s, and there are words for it", (state, stand) => {
    expect(firmwareOf(state, undefined)).toEqual({ stand, state, known: true, percent: null });
    expect(Object.keys(words)).toContain(`firmware-${state}`);
  });

  it.each<[Json | undefined, Json | undefined, number | null]>([
    ["6", "40", 40],
    [6, 40, 40],
    [" 6", " 40", 40],
    ["7", "99%", 99],
    ["6", "140", 100],
    ["6", "-3", 0],
    ["6", "soon", null],
    ["6", undefined, null],
    ["1", "40", null],
    ["11", "100", null],
  ])("%j with %j has come so far: %s", (state, download, percent) => {
    expect(firmwareOf(state, download).percent).toBe(percent);
  });

  it.each<[Json | undefined, string]>([["13", "13"], ["-1", "-1"], ["6.5", "6.5"], ["busy", "busy"], [undefined, '""'], [[6], "[6]"]])(
    "%j is unknown",
    (state, text) => {
      const firmware = firmwareOf(state, "40");
      expect(firmware).toMatchObject({ stand: "unknown", known: false, percent: null });
      if (state !== undefined) expect(firmware.state).toBe(text);
    },
  );
});

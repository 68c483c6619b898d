// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import {
  LONGEST_NAME,
  LONGEST_TEXT,
  MOST_ENTRIES,
  parsePreferences,
  preferencesOfOriginal,
  preferencesText,
  USUAL,
  type Preferences,
} from "../../src/model/preferences";

const CHANGED: Preferences = {
  ...USUAL,
  theme: "dark",
  language: "fr",
  view: "map",
  names: { "1": "Kitchen", constructor: "Odd" },
  pinned: ["2", "1"],
  hiddenResources: ["1/led", "*/name"],
  columns: ["temperature"],
  spots: { "1": [0, 0.5] },
};

describe("preferencesText", () => {
  it("comes back as it went", () => {
    expect(parsePreferences(preferencesText(CHANGED))).toEqual(CHANGED);
    expect(parsePreferences(preferencesText(CHANGED, 2))).toEqual(CHANGED);
  });

  it("holds what was changed and nothing else", () => {
    expect(preferencesText(USUAL)).toBe("{}");
    expect(JSON.parse(preferencesText({ ...USUAL, highlight: false }))).toEqual({ highlight: false });
  });
});

describe("parsePreferences", () => {
  it.each<[string, object]>([
    ["an unknown choice", { theme: "pink" }],
    ["a word for a switch", { highlight: "no" }],
    ["a name that is too long", { names: { "1": "x".repeat(LONGEST_NAME + 1) } }],
    ["names that are none", { names: { "1": 5 } }],
    ["a list for a record", { names: ["x"] }],
    ["a list of other things", { pinned: ["1", 2] }],
    ["a list without end", { pinned: Array.from({ length: MOST_ENTRIES + 1 }, String) }],
    ["a spot off the plan", { spots: { "1": [0, 1.5] } }],
    ["a spot without height", { spots: { "1": [0] } }],
    ["something unheard of", { colour: "red" }],
    ["a member of all objects", { hasOwnProperty: true }],
  ])("takes %s for the usual", (_what, said) => {
    expect(parsePreferences(JSON.stringify(said))).toEqual(USUAL);
  });

  it("keeps what is right beside what is wrong", () => {
    expect(parsePreferences('{"theme":"dark","view":7}')).toEqual({ ...USUAL, theme: "dark" });
  });

  it.each(["", "no", "[]", "null", '"dark"', "5", " ".repeat(LONGEST_TEXT + 1)])("refuses %.10j", (text) => {
    expect(() => parsePreferences(text)).toThrow(SyntaxError);
  });

  it("is not led astray by a prototype", () => {
    const preferences = parsePreferences('{"__proto__":{"theme":"dark"}}');
    expect(preferences).toEqual(USUAL);
    expect(Object.getPrototypeOf(preferences)).toBe(Object.prototype);
  });
});

describe("preferencesOfOriginal", () => {
  const of = (kept: Readonly<Record<string, string>>): Preferences => preferencesOfOriginal((name) => kept[name] ?? null);

  it("honours what was chosen on that page", () => {
    expect(of({ theme: "dark", showCam: "true", showMap: "true" })).toEqual({
      ...USUAL,
      theme: "dark",
      camera: true,
      view: "map",
    });
  });

  it("is as usual where nothing was chosen", () => {
    expect(of({})).toEqual(USUAL);
    expect(of({ theme: "pink", showCam: "false", showMap: "no" })).toEqual(USUAL);
  });
});

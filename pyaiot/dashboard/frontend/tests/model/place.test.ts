// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { isPage, moved, parsePlace, placeText, VIEWS, type Place } from "../../src/model/place";

describe("parsePlace", () => {
  it.each<[string, Place]>([
    ["", { view: "cards", params: {} }],
    ["#", { view: "cards", params: {} }],
    ["#/table", { view: "table", params: {} }],
    ["#table", { view: "table", params: {} }],
    ["#/map?node=a%2Fb&range=30", { view: "map", params: { node: "a/b", range: "30" } }],
    ["#/nowhere?node=1", { view: "cards", params: { node: "1" } }],
    ["#/table?q=1+%2B+1", { view: "table", params: { q: "1 + 1" } }],
    ["#/table?q=%E0%A4%A", { view: "table", params: { q: "\ufffd%A" } }],
    ["#/table?", { view: "table", params: {} }],
    ["#/table?a=1?b=2", { view: "table", params: { a: "1?b=2" } }],
  ])("%s", (hash, place) => {
    expect(parsePlace(hash, "cards")).toEqual(place);
  });

  it("starts with the view that was chosen where the address names none", () => {
    expect(parsePlace("", "map").view).toBe("map");
    expect(parsePlace("#/?node=1", "map")).toEqual({ view: "map", params: { node: "1" } });
  });

  it("looks at so much of an address and no more", () => {
    expect(placeText(parsePlace(`#/table?q=${"x".repeat(100_000)}`, "cards")).length).toBeLessThanOrEqual(8_000);
  });

  it("takes names that objects have for what they are", () => {
    const { params } = parsePlace("#/cards?__proto__=1&constructor=2", "cards");
    expect(params.constructor).toBe("2");
    expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
  });
});

it.each(VIEWS)("comes back from an address as it went: %s", (view) => {
  const place: Place = { view, params: { node: "ä/?&=# +", resource: "cli/stats", q: "%41" } };
  expect(parsePlace(placeText(place), "cards")).toEqual(place);
});

describe("moved", () => {
  const place: Place = { view: "table", params: { node: "1", q: "kitchen" } };

  it("keeps what it is not told to change", () => {
    expect(moved(place, { params: { node: "2" } })).toEqual({ view: "table", params: { node: "2", q: "kitchen" } });
    expect(moved(place, { view: "map" })).toEqual({ view: "map", params: place.params });
  });

  it("leaves a time that was looked at with what it was of", () => {
    const looking: Place = { view: "cards", params: { node: "1", resource: "led", span: "1~2" } };
    for (const params of [{ node: "2" }, { resource: "x" }, { range: "300" }, { node: null, resource: null }]) {
      expect(moved(looking, { params }).params.span).toBeUndefined();
    }
    expect(moved(looking, { params: { node: "1", resource: "led" } }).params.span).toBe("1~2");
    expect(moved(looking, { view: "map", params: { range: null } }).params.span).toBe("1~2");
    expect(moved(looking, { params: { node: "2", span: "3~4" } }).params.span).toBe("3~4");
  });

  it("leaves behind what means nothing elsewhere", () => {
    expect(moved(place, { view: "devices", params: { uid: "2" } })).toEqual({ view: "devices", params: { uid: "2" } });
    expect(moved({ view: "devices", params: { uid: "2" } }, { view: "cards" })).toEqual({ view: "cards", params: {} });
    expect(moved({ view: "devices", params: { which: "all" } }, { params: { uid: "2" } }).params).toEqual({ which: "all", uid: "2" });
    expect(["cards", "devices"].map((view) => isPage(view as Place["view"]))).toEqual([false, true]);
  });

  it("takes away what is null or empty", () => {
    expect(moved(place, { params: { node: null, q: "" } }).params).toEqual({});
  });
});

// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it, vi } from "vitest";

import { arranged, filtered, grouped, placed, type Wishes } from "../../src/model/arrange";
import { fadingOf, patienceFor, UNKNOWN_PATIENCE, usualInterval } from "../../src/model/fresh";
import { between, masonry, type Brick } from "../../src/model/masonry";
import { NO_SERIES, type Series } from "../../src/model/ring";
import type { Entry } from "../../src/model/state";

const NO_WISHES: Wishes = { names: {}, pinned: [], arranged: [], hiddenNodes: [] };

function entry(uid: string, change: Partial<Entry> = {}): Entry {
  return { uid, title: uid.toUpperCase(), name: "", presence: "online", protocol: "CoAP", board: "", os: "", ...change };
}

function roster(...entries: Entry[]): ReadonlyMap<string, Entry> {
  return new Map(entries.map((each) => [each.uid, each]));
}

const ABCDE = roster(..."abcde".split("").map((uid) => entry(uid)));

function uids(entries: readonly Entry[]): string {
  return entries.map(({ uid }) => uid).join("");
}

describe("the order of nodes", () => {
  it.each<[Partial<Wishes>, string]>([
    [{}, "abcde"],
    [{ hiddenNodes: ["b", "x"] }, "acde"],
    [{ pinned: ["d", "x", "b"] }, "dbace"],
    [{ arranged: ["e", "x", "c"] }, "ecabd"],
    [{ arranged: ["e", "c"], pinned: ["c"], hiddenNodes: ["e"] }, "cabd"],
    [{ names: { a: "Cc", d: "Aa", e: "", x: "X" } }, "dbcae"],
  ])("with %j is %s", (wishes, expected) => {
    expect(uids(arranged(ABCDE, { ...NO_WISHES, ...wishes }))).toBe(expected);
  });

  it("has a node without a name in its place once it was given one", () => {
    const some = roster(entry("a"), entry("z"), entry("n", { title: "" }));
    expect(uids(arranged(some, NO_WISHES))).toBe("azn");
    expect(uids(arranged(some, { ...NO_WISHES, names: { n: "M" } }))).toBe("anz");
  });
});

describe("a filter", () => {
  const all = [entry("a", { presence: "late", board: "samr21" }), entry("b", { presence: "gone" }), entry("c")];

  it.each<[{ availability?: string; q?: string }, string]>([
    [{}, "abc"],
    [{ availability: "late" }, "a"],
    [{ availability: "gone", q: "coap" }, "b"],
    [{ availability: "asleep" }, "abc"],
    [{ q: " SAMR  coap" }, "a"],
    [{ q: "attic" }, "c"],
    [{ q: "C" }, "abc"],
    [{ q: "x" }, ""],
  ])("%j lets %j through", (filter, expected) => {
    expect(uids(filtered(all, filter, { c: "Attic" }))).toBe(expected);
  });
});

describe("groups", () => {
  const all = [
    entry("a", { board: "x10", presence: "gone" }),
    entry("b", { board: "X9" }),
    entry("c", { presence: "late" }),
    entry("d", { board: "x10" }),
  ];
  const said = (...parameters: Parameters<typeof grouped>): string[] =>
    grouped(...parameters).map(({ value, pinned, entries }) => `${pinned ? "pinned" : value}:${uids(entries)}`);

  it("are none, or by what nodes say, and those that say nothing come last", () => {
    expect(said(all, "none", ["a"])).toEqual([":abcd"]);
    expect(said(all, "board", [])).toEqual(["X9:b", "x10:ad", ":c"]);
    expect(said(all, "availability", [])).toEqual(["online:bd", "late:c", "gone:a"]);
  });

  it("begin with those that were pinned", () => {
    expect(said(all, "board", ["c", "d"])).toEqual(["pinned:cd", "X9:b", "x10:a"]);
  });
});

describe("moving a node", () => {
  const order = "abcde".split("");
  const wishes = { pinned: [], arranged: [] };

  it("arranges all", () => {
    expect(placed(order, wishes, "d", { uid: "b", behind: false })).toEqual({ arranged: "adbce".split("") });
    expect(placed(order, wishes, "a", { uid: "e", behind: true })).toEqual({ arranged: "bcdea".split("") });
  });

  it("keeps the place of those that are not there", () => {
    const before = { pinned: [], arranged: "axbcyde".split("") };
    expect(placed(order, before, "e", { uid: "a", behind: false })).toEqual({ arranged: "exabycd".split("") });
  });

  it("keeps pinned ones before the others", () => {
    const before = { pinned: ["c", "z", "a"], arranged: [] };
    const now = "cabde".split("");
    expect(placed(now, before, "a", { uid: "c", behind: false })).toEqual({ pinned: "acz".split("") });
    expect(placed(now, before, "e", { uid: "b", behind: false })).toEqual({ arranged: "ebd".split("") });
    expect(placed(now, before, "e", { uid: "a", behind: false })).toBeNull();
    expect(placed(now, before, "a", { uid: "b", behind: true })).toBeNull();
    expect(placed(now, before, "b", { uid: "b", behind: true })).toBeNull();
  });
});

describe("a wall of cards", () => {
  const card = (key: string, height: number): Brick => ({ key, height, wide: false });
  const spots = (...parameters: Parameters<typeof masonry>): string[] =>
    [...masonry(...parameters).spots].map(([key, { column, top }]) => `${key}${column}@${top}`);

  it("has no holes", () => {
    expect(spots([card("a", 100), card("b", 30), card("c", 30), card("d", 50)], 2, 10)).toEqual(["a0@0", "b1@0", "c1@40", "d1@80"]);
    expect(masonry([card("a", 100), card("b", 30)], 2, 10).height).toBe(100);
    expect(masonry([], 3, 10).height).toBe(0);
  });

  it("begins anew below a heading", () => {
    const heading: Brick = { key: "h", height: 20, wide: true };
    expect(spots([card("a", 100), heading, card("b", 1), card("c", 1)], 2, 10)).toEqual(["a0@0", "h0@110", "b0@140", "c1@140"]);
  });

  it("lets cards stay in their columns when others change", () => {
    const before = masonry([card("a", 100), card("b", 100), card("c", 100)], 2, 0);
    expect(spots([card("a", 250), card("b", 100), card("c", 100)], 2, 0, before.spots)).toEqual(["a0@0", "b1@0", "c0@250"]);
    expect(spots([card("new", 50), card("a", 100), card("b", 100)], 2, 0, before.spots)).toEqual(["new0@0", "a0@50", "b1@0"]);
  });

  it("but not where there is no such column, nor where one gets far too long", () => {
    const before = masonry("abcdef".split("").map((key) => card(key, 400)), 3, 0);
    expect(spots([card("c", 400)], 2, 0, before.spots)).toEqual(["c0@0"]);
    expect(spots([card("a", 400), card("d", 400), card("g", 1)], 3, 0, before.spots)).toEqual(["a0@0", "d0@400", "g1@0"]);
    const one = new Map("abc".split("").map((key) => [key, { column: 1, top: 0, height: 0 }]));
    expect(spots([card("a", 400), card("b", 400), card("c", 400)], 2, 0, one)).toEqual(["a1@0", "b1@400", "c0@0"]);
  });

  it("tells what is in sight, the middle first", () => {
    const wall = masonry("abcdefgh".split("").map((key) => card(key, 100)), 1, 0);
    expect(between(wall, 250, 450)).toEqual(["d", "c", "e"]);
  });
});

describe("the age of a value", () => {
  const every = (...times: number[]): Series => ({
    times: Float64Array.from(times),
    numbers: Float64Array.from(times, () => 1),
  });

  it("is measured by how often the resource speaks", () => {
    expect(usualInterval(every(0, 20))).toBeNull();
    expect(usualInterval(every(0, 20, 40, 500, 520))).toBe(20);
    expect(patienceFor(every(0, 20, 40))).toBe(60);
    expect(patienceFor(every(0, 600, 1200))).toBe(1800);
    expect(patienceFor(every(0, 0.1, 0.2))).toBe(10);
    expect(patienceFor(NO_SERIES)).toBe(UNKNOWN_PATIENCE);
  });

  it("takes no gap in the course for a word", () => {
    const course = { times: Float64Array.of(0, 20, 20, 40), numbers: Float64Array.of(1, 1, Number.NaN, 1) };
    expect(usualInterval(course)).toBe(20);
  });

  it("follows a resource that speaks more slowly than it used to", () => {
    const then = Array.from({ length: 100 }, (_, index) => index);
    const now = Array.from({ length: 16 }, (_, index) => 100 + index * 60);
    expect(usualInterval(every(...then, ...now))).toBe(60);
  });

  it("fades in two steps", () => {
    const late = (): Series => every(0, 20, 40);
    expect([0, 60, 61, 600, 601].map((age) => fadingOf(age, late))).toEqual(["", "", "stale", "stale", "old"]);
  });

  it("asks for no points while a value is young", () => {
    const late = vi.fn(() => NO_SERIES);
    expect(fadingOf(10, late)).toBe("");
    expect(late).not.toHaveBeenCalled();
  });
});

// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { isHidden } from "../../src/model/hidden";
import type { Node } from "../../src/model/state";
import { cellOf, compareKeys, contentOf, exportTable, keyOf, type Reader } from "../../src/model/table/cells";
import { arranged, Census, columnOf, endpointOf, shownColumns } from "../../src/model/table/columns";
import { fold, parseFilter } from "../../src/model/table/filter";
import { Hold, LIFTED, PARKED } from "../../src/model/table/hold";
import { columnsText, filterParam, filterTexts, MOST_SORTS, parseColumns, parseSort, sortedBy, sortText } from "../../src/model/table/params";
import { heldStill, Rows, type Query } from "../../src/model/table/rows";
import { scrolledTo, spanOf } from "../../src/model/table/window";
import { titleOf } from "../../src/model/title";
import { textOf } from "../../src/model/value";
import type { Json } from "../../src/wire/messages";

function node(uid: string, values: Readonly<Record<string, Json | undefined>>, more: Partial<Node> = {}): Node {
  const resources = new Map(
    Object.entries(values).map(([endpoint, value]) => [endpoint, { endpoint, value, time: 1000, order: null }]),
  );
  return { uid, title: uid, name: "", availability: "online", seen: 1000, resources, goneSince: null, resetSince: null, roll: 0, ...more };
}

const hidden = new Set(["b/secret"]);
const reader: Reader = {
  titleOf: (each) => titleOf(each, { named: "Küche" }),
  presences: { online: "Da", late: "Spät", offline: "Fort", gone: "Weg" },
  on: "Ein",
  off: "Aus",
  firmware: (_node, { value }) => `state ${textOf(value)}`,
  language: "de",
  isHidden: (uid, endpoint) => isHidden(hidden, uid, endpoint),
};

describe("columns", () => {
  it("tell resources from what is built in", () => {
    expect(["led", "name", "uid", "/x", "a/b"].map(columnOf)).toEqual(["led", "/name", "/uid", "//x", "a/b"]);
    expect(["led", "name", "/name", "//x", "heard"].map(endpointOf)).toEqual(["led", null, "name", "/x", null]);
  });

  it("come in a sensible order, and follow what nodes have", () => {
    const census = new Census();
    const a = node("a", { name: "A", os: "riot", temperature: "1°C", led: "0", text: "hello", imu: [], heard: 5 });
    const first = census.columns(new Map([["a", a]]));
    expect(first.map(({ id }) => id)).toEqual(["led", "/heard", "temperature", "imu", "text", "os"]);
    expect(census.columns(new Map([["a", { ...a, seen: 5 }]]))).toBe(first);

    const later = census.columns(new Map([["a", node("a", { temperature: "2°C", led: "1" })], ["b", node("b", { led: "soon" })]]));
    expect(later).toEqual([
      { id: "led", kind: "toggle", count: 2 },
      { id: "temperature", kind: "number", count: 1 },
    ]);
    expect(census.columns(new Map())).toEqual([]);
  });

  it("are of the commonest kind, not knowing being none", () => {
    const nodes = new Map([
      ["a", node("a", { x: null })],
      ["b", node("b", { x: undefined })],
      ["c", node("c", { x: 5 })],
    ]);
    expect(new Census().columns(nodes)).toEqual([{ id: "x", kind: "number", count: 3 }]);
  });

  it("are those that were chosen, or else the usual", () => {
    const columns = new Census().columns(new Map([["a", node("a", { protocol: "CoAP", led: 1, b: 2, c: 3 })]]));
    const none = new Set<string>();
    expect(shownColumns(null, columns, none)).toEqual(["name", "availability", "heard", "protocol", "led", "b", "c"]);
    expect(shownColumns(null, columns, new Set(["led", "protocol"]))).toEqual(["name", "availability", "heard", "b", "c"]);
    expect(shownColumns(null, columns, none, { narrow: true })).toEqual(["name", "led", "b", "c", "protocol"]);
    expect(shownColumns(["c", "name", "later", "c"], columns, none)).toEqual(["name", "c", "later"]);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`r${index}`, index]));
    const crowd = new Map([["a", node("a", many)], ["b", node("b", { r77: 1 })]]); // prettier-ignore
    const shown = shownColumns(null, new Census().columns(crowd), none);
    expect(shown).toHaveLength(24);
    expect(shown).toContain("r77");
  });

  it("can be arranged, but for the name", () => {
    const columns = ["name", "a", "b", "c"];
    expect(arranged(columns, "b", -1)).toEqual(["name", "b", "a", "c"]);
    expect(arranged(columns, "a", 1)).toEqual(["name", "b", "a", "c"]);
    expect(arranged(columns, "a", -1)).toEqual(columns);
    expect(arranged(columns, "c", 5)).toEqual(columns);
    expect(arranged(columns, "name", 1)).toBe(columns);
    expect(arranged(columns, "unknown", 1)).toBe(columns);
  });
});

describe("parameters", () => {
  it("say how rows are sorted", () => {
    const sorts = parseSort("temperature:desc,name:asc");
    expect(sorts).toEqual([{ column: "temperature", descending: true }, { column: "name", descending: false }]); // prettier-ignore
    expect(sortText(sorts)).toBe("temperature:desc,name:asc");
    expect(sortText([])).toBeNull();
  });

  it("keep what is separated by what separates them", () => {
    const sorts = [{ column: "a,b:c%2C", descending: false }];
    expect(parseSort(sortText(sorts) ?? "")).toEqual(sorts);
    expect(parseColumns(columnsText(["a,b", "%", "Ü/x"]))).toEqual(["a,b", "%", "Ü/x"]);
  });

  it.each([undefined, "", ",,", ":desc", "a:up", "%zz:asc", "%"])("make nothing of %j", (text) => {
    expect(parseSort(text)).toEqual([]);
  });

  it("are bounded, and name each column once", () => {
    expect(parseSort("a,a:desc,b,c,d,e,f")).toHaveLength(MOST_SORTS);
    expect(parseColumns("a,a,b")).toEqual(["a", "b"]);
    expect(parseColumns(undefined)).toBeNull();
    expect(parseColumns("%,")).toBeNull();
  });

  it("change as people sort", () => {
    const up = [{ column: "a", descending: false }];
    const down = [{ column: "a", descending: true }];
    const b = { column: "b", descending: false };
    expect(sortedBy([], "a", false)).toEqual(up);
    expect(sortedBy(up, "a", false)).toEqual(down);
    expect(sortedBy(down, "a", false)).toEqual([]);
    expect(sortedBy(down, "b", false)).toEqual([b]);
    expect(sortedBy([...down, b], "a", false)).toEqual(up);
    expect(sortedBy(down, "b", true)).toEqual([...down, b]);
    expect(sortedBy([...down, b], "b", true)).toEqual([...down, { column: "b", descending: true }]);
    expect(sortedBy([...down, b], "a", true)).toEqual([b]);
    expect(sortedBy(parseSort("a,b,c,d"), "e", true).map(({ column }) => column)).toEqual(["a", "b", "c", "e"]);
  });

  it("hold filters", () => {
    expect([...filterTexts({ "f.temperature": ">22", "f.": "x", "f.a": " ", q: "y" })]).toEqual([["temperature", ">22"]]);
    expect(filterParam("a.b")).toBe("f.a.b");
  });
});

describe("filters", () => {
  const passes = (filter: string, text: string, number: number | null = null, ages = false): boolean => {
    const parsed = parseFilter(filter, { ages });
    if (typeof parsed !== "function") throw new Error(JSON.stringify(parsed));
    return parsed({ text, number });
  };

  it.each<[string, string, number | null, boolean]>([
    ["kit", "The Kitchen", null, true],
    ["kuche", "Küche", null, true],
    ["KÜCHE", "küche", null, true],
    ["^kit", "Kitchen", null, true],
    ["^kit", "The kitchen", null, false],
    ["^kit", "Named\nKitchen", null, true],
    ["^ kit", "Kitchen", null, true],
    ["!off", "on", null, true],
    ["!off", "Off", null, false],
    ["en 12", "Kitchen 12", null, true],
    ["en 13", "Kitchen 12", null, false],
    ['"living room"', "The living room", null, true],
    ['"room living"', "The living room", null, false],
    [">22", "23 °C", 23, true],
    ["> 22.5", "22.5 °C", 22.5, false],
    [">=22,5", "22.5 °C", 22.5, true],
    ["> 22.5 °C", "23 °C", 23, true],
    ["> 22.5°C", "23 K", 23, true],
    ["> 22.5 hPa", "23 °C", 23, false],
    ["<-5", "−6 °C", -6, true],
    ["< −5", "−6 °C", -6, true],
    ["<= 1e3", "1000", 1000, true],
    [">20 <25", "22", 22, true],
    [">20 <25", "26", 26, false],
    [">0", "hello", null, false],
    ["==0", "0 °C", 0, true],
    ["=1.50", "1.5", 1.5, true],
    ["==0", "", null, false],
    ["== riot", "RIOT", null, true],
    ["== riot", "riot os", null, false],
    ["== on", "On\n1", 1, true],
    ["!= on", "Off\n0", 0, true],
    ["!=1", "1 %", 1, false],
    ["!=1", "2 %", 2, true],
    ["!=1", "", null, false],
    ['==""', "", null, true],
    ['=="" ', "x", null, false],
    ['!=""', "x", null, true],
    ['!=""', "", null, false],
  ])("%s of %j (%s): %s", (filter, text, number, expected) => {
    expect(passes(filter, text, number)).toBe(expected);
  });

  it.each<[string, number, boolean]>([
    ["> 5min", 301, true],
    ["> 5min", 300, false],
    ["<2h", 7000, true],
    ["> 90", 100, true],
    ["> 1d", 86_399, false],
  ])("ages: %s of %d s: %s", (filter, seconds, expected) => {
    expect(passes(filter, "", seconds, true)).toBe(expected);
  });

  it("say what is wrong with them", () => {
    expect(parseFilter(">")).toEqual({ error: "noOperand", part: ">" });
    expect(parseFilter("a ^")).toEqual({ error: "noOperand", part: "^" });
    expect(parseFilter("a > warm")).toEqual({ error: "noNumber", part: "> warm" });
    expect(parseFilter('< "5"')).toEqual({ error: "noNumber", part: '< "5"' });
    expect(parseFilter("> 5 parsec", { ages: true })).toBeTypeOf("function");
    expect(parseFilter("> 5parsec", { ages: true })).toEqual({ error: "noNumber", part: "> 5parsec" });
    expect(parseFilter('a "b c')).toEqual({ error: "noEnd", part: '"b c' });
    expect(parseFilter('""')).toEqual({ error: "noOperand", part: '""' });
  });

  it("let everything pass when there are none", () => {
    expect(parseFilter("")).toBeNull();
    expect(parseFilter("  ")).toBeNull();
  });

  it("take any text without trouble, and in no long time", () => {
    for (const text of ["<".repeat(9000), '"'.repeat(9000), "! ".repeat(9000), "\u0000^\\[(", ">\n5"]) {
      expect(() => parseFilter(text)).not.toThrow();
    }
  });

  it("compare texts without case and accents", () => {
    expect(["ÄRGER", "CO₂", "plain"].map(fold)).toEqual(["arger", "co2", "plain"]);
  });
});

describe("cells", () => {
  const some = node(
    "b",
    { led: "1", temperature: "-3.50 °C", level: 0, motion: false, dust: "5ug/m3", suit_state: "6", none: null, empty: "", later: undefined, secret: "x", text: " a\n b ", position: '{"lat":1,"lng":2}' },
    { title: "Bee" },
  );

  it.each([
    ["name", "name", "Bee", ""],
    ["availability", "presence", "Da", ""],
    ["uid", "text", "b", ""],
    ["led", "toggle", "Ein", ""],
    ["temperature", "number", "−3,50", "°C"],
    ["level", "number", "0", ""],
    ["motion", "indicator", "Aus", ""],
    ["dust", "number", "5", "µg/m³"],
    ["suit_state", "text", "state 6", ""],
    ["none", "nothing", "", ""],
    ["empty", "nothing", "", ""],
    ["later", "waiting", "", ""],
    ["unheard-of", "absent", "", ""],
    ["secret", "absent", "", ""],
    ["text", "text", "a b", ""],
    ["position", "text", "lat 1, lng 2", ""],
  ])("%s is a %s: %j %j", (column, look, text, unit) => {
    expect(cellOf(some, column, reader)).toMatchObject({ look, text, unit });
  });

  it("are as long as can be seen", () => {
    expect(cellOf(node("a", { text: "x".repeat(9000) }), "text", reader).text).toHaveLength(120);
    expect(cellOf(node("a", { json: { a: "x".repeat(9000) } }), "json", reader).text).toHaveLength(120);
  });

  it("are looked through as they are shown, and as the node said them", () => {
    expect(contentOf(some, "led", reader, 0)).toEqual({ text: "Ein\n1", number: 1 });
    expect(contentOf(some, "temperature", reader, 0)).toEqual({ text: "−3,50 °C\n-3.50 °C", number: -3.5 });
    expect(contentOf(some, "availability", reader, 0)).toEqual({ text: "Da\nonline", number: null });
    expect(contentOf(some, "heard", reader, 1060)).toEqual({ text: "", number: 60 });
    expect(contentOf(some, "none", reader, 0)).toEqual({ text: "", number: null });
    expect(contentOf(node("named", {}, { title: "own" }), "name", reader, 0).text).toBe("Küche\nown");
  });

  it("are sorted by what they mean", () => {
    const by = (column: string): unknown => keyOf(some, column, reader);
    expect(["led", "temperature", "text", "name"].map(by)).toEqual([1, -3.5, "a b", "Bee"]);
    expect(["none", "empty", "later", "secret", "unheard-of"].map(by)).toEqual([null, null, null, null, null]);
    expect(keyOf(node("a", {}, { goneSince: 1 }), "availability", reader)).toBe(3);
    const keys = [null, "b", 10, "a10", -1, "a9"];
    expect([...keys].sort((a, b) => compareKeys(a, b, false))).toEqual([-1, 10, "a9", "a10", "b", null]);
    expect([...keys].sort((a, b) => compareKeys(a, b, true))).toEqual(["b", "a10", "a9", 10, -1, null]);
  });

  it("are exported as they were said, numbers with their unit above them", () => {
    const ids = ["name", "led", "temperature", "level", "none", "later", "text", "heard", "availability"];
    const columns = ids.map((id) => ({ id, label: id.toUpperCase() }));
    const silent = node("c", { temperature: "warm", level: "5 hPa" }, { seen: 0 });
    expect(exportTable([some, silent], columns, reader)).toEqual([
      ["NAME", "LED", "TEMPERATURE (°C)", "LEVEL", "NONE", "LATER", "TEXT", "HEARD", "AVAILABILITY"],
      ["Bee", "Ein", -3.5, "0", "", "", " a\n b ", "1970-01-01T00:16:40.000Z", "Da"],
      ["c", "", "warm", "5 hPa", "", "", "", "", "Da"],
    ]);
  });
});

describe("rows", () => {
  const everything: Query = { sorts: [], filters: new Map(), wants: () => true, counts: () => true, reader };
  const by = (sort: string): Query => ({ ...everything, sorts: parseSort(sort) });
  const warmer: Query = { ...by("t:asc"), filters: new Map([["t", ({ number }) => number !== null && number > 5]]) };
  const known = (...nodes: Node[]): Map<string, Node> => new Map(nodes.map((each) => [each.uid, each]));
  const a = node("a", { t: 10, led: "1" });
  const b = node("b", { t: 9, led: "0" });
  const c = node("c", { t: null, led: "1" });
  const d = node("d", {});
  const four = known(a, b, c, d);
  const order = ["d", "c", "b", "a"];

  it("are in the given order unless a column decides, what is unknown last", () => {
    const rows = new Rows();
    expect(rows.list(four, order, everything, 0)).toEqual({ uids: order, total: 4 });
    expect(rows.list(four, order, by("t"), 0).uids).toEqual(["b", "a", "d", "c"]);
    expect(rows.list(four, order, by("t:desc"), 0).uids).toEqual(["a", "b", "d", "c"]);
    expect(rows.list(four, order, by("led:desc,t:asc"), 0).uids).toEqual(["a", "c", "b", "d"]);
    expect(rows.list(four, order, by("name:desc"), 0).uids).toEqual(["d", "c", "b", "a"]);
  });

  it("stay the same object until something changes", () => {
    const rows = new Rows();
    const query = by("t");
    const first = rows.list(four, order, query, 0);
    expect(rows.list(known(a, b, c, { ...d, seen: 5 }), order, query, 0)).toBe(first);
    // Another value that leaves the order as it was.
    expect(rows.list(known(a, node("b", { t: 8 }), c, d), order, query, 0)).toBe(first);
    const turned = rows.list(known(a, node("b", { t: 11 }), c, d), order, query, 0);
    expect(turned.uids).toEqual(["a", "b", "d", "c"]);
    expect(rows.list(known(a, c), ["c", "a"], query, 0)).toEqual({ uids: ["a", "c"], total: 2 });
    expect(rows.list(four, order, query, 0).uids).toEqual(["b", "a", "d", "c"]);
  });

  it("are those that pass, out of those that count", () => {
    const rows = new Rows();
    expect(rows.list(four, order, warmer, 0)).toEqual({ uids: ["b", "a"], total: 4 });
    expect(rows.list(known(a, node("b", { t: 5 }), c, node("d", { t: 7 })), order, warmer, 0).uids).toEqual(["d", "a"]);
    const query: Query = { ...everything, counts: ({ uid }) => uid !== "a", wants: ({ uid }) => uid !== "b" };
    expect(rows.list(four, order, query, 0)).toEqual({ uids: ["d", "c"], total: 3 });
  });

  it("pass and fail by their age without any news", () => {
    const query: Query = { ...everything, filters: new Map([["heard", ({ number }) => (number ?? 0) > 60]]) };
    const rows = new Rows();
    expect(rows.list(four, order, query, 1010).uids).toEqual([]);
    expect(rows.list(four, order, query, 1061).uids).toEqual(order);
  });

  it("are right after any changes, as if all had been looked at anew", () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    const nodes = new Map<string, Node>();
    const rows = new Rows();
    const queries = [everything, by("t:desc,led:asc"), warmer];
    for (let step = 0; step < 150; step += 1) {
      const uid = `n${random(30)}`;
      if (random(5) === 0) nodes.delete(uid);
      else nodes.set(uid, node(uid, { t: random(4) === 0 ? null : random(12), led: String(random(2)) }));
      const query = queries[Math.floor(step / 15) % queries.length] ?? everything;
      const names = [...nodes.keys()].sort();
      expect(rows.list(new Map(nodes), names, query, 0)).toEqual(new Rows().list(nodes, names, query, 0));
    }
  });

  it("stay where they are while somebody is at them", () => {
    const isThere = (uid: string): boolean => uid !== "gone";
    const shown = ["a", "gone", "b"];
    expect(heldStill(shown, ["new", "b", "a"], isThere)).toEqual(["a", "b", "new"]);
    expect(heldStill(shown, ["b"], isThere)).toEqual(["a", "b"]);
    const same = ["a", "b"];
    expect(heldStill(same, ["b", "a"], isThere)).toBe(same);
  });
});

describe("the hold on rows", () => {
  it("lasts while a mouse is over them, unless it is parked there", () => {
    const hold = new Hold();
    expect(hold.holds(0)).toBe(false);
    hold.pointed(10);
    expect(hold.holds(10 + PARKED - 1)).toBe(true);
    expect(hold.holds(10 + PARKED)).toBe(false);
    hold.pointed(100);
    hold.left();
    expect(hold.holds(100)).toBe(false);
  });

  it("lasts a moment longer than a touch, and as long as the focus", () => {
    const hold = new Hold();
    hold.touch(5);
    expect([5, 5 + LIFTED].map((now) => hold.holds(now))).toEqual([true, false]);
    hold.focus(true);
    expect(hold.holds(1e6)).toBe(true);
    hold.focus(false);
    expect(hold.holds(1e6)).toBe(false);
  });
});

describe("what is in sight", () => {
  it("is drawn, and a little around it", () => {
    expect(spanOf(0, 400, 40, 1000)).toEqual({ first: 0, end: 16 });
    expect(spanOf(4000, 400, 40, 1000)).toEqual({ first: 94, end: 116 });
    expect(spanOf(39_800, 400, 40, 1000)).toEqual({ first: 989, end: 1000 });
    expect(spanOf(9999, 400, 40, 3)).toEqual({ first: 3, end: 3 });
    expect(spanOf(0, 400, 40, 0)).toEqual({ first: 0, end: 0 });
  });

  it("is moved as little as needed", () => {
    expect(scrolledTo(5, 0, 400, 40)).toBe(0);
    expect(scrolledTo(10, 0, 400, 40)).toBe(40);
    expect(scrolledTo(2, 200, 400, 40)).toBe(80);
  });
});

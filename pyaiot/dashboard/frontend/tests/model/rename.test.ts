// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { hiddenKey, isHidden } from "../../src/model/hidden";
import { LONGEST_NAME } from "../../src/model/preferences";
import { judgeName, withName } from "../../src/model/rename";

const NODES = [
  { uid: "a", title: "Kitchen" },
  { uid: "b", title: "Cellar" },
  { uid: "c", title: "" },
  { uid: "d", title: "Cellar" },
];
const [kitchen, cellar, nameless] = NODES as [(typeof NODES)[0], (typeof NODES)[0], (typeof NODES)[0]];

describe("a name that somebody typed", () => {
  it.each([
    ["  Old \n kitchen ", "Old kitchen"],
    ["x".repeat(LONGEST_NAME + 9), "x".repeat(LONGEST_NAME)],
    [`${"x".repeat(LONGEST_NAME - 1)}\u{1f600}`, "x".repeat(LONGEST_NAME - 1)],
    ["kitchen", "kitchen"],
  ])("%j is fine as %j", (typed, name) => {
    expect(judgeName(typed, kitchen, NODES, {})).toEqual({ kind: "fine", name });
  });

  it("may be the one that the node has", () => {
    expect(judgeName("Kitchen ", kitchen, NODES, {})).toEqual({ kind: "unchanged" });
    expect(judgeName("", kitchen, NODES, {})).toEqual({ kind: "unchanged" });
    expect(judgeName("Attic", kitchen, NODES, { a: "Attic" })).toEqual({ kind: "unchanged" });
    expect(judgeName("Node c", nameless, NODES, {})).toEqual({ kind: "unchanged" });
  });

  it("may be another node's, be it given or its own", () => {
    expect(judgeName("cellar", kitchen, NODES, {})).toEqual({ kind: "taken", by: "b" });
    expect(judgeName("Attic", kitchen, NODES, { c: "Attic" })).toEqual({ kind: "taken", by: "c" });
    // The name that a node had before it was given another is free.
    expect(judgeName("Kitchen", nameless, NODES, { a: "Attic" })).toEqual({ kind: "fine", name: "Kitchen" });
  });

  it("may give the node its own name back, which others may have as well", () => {
    expect(judgeName("  ", kitchen, NODES, { a: "Attic" })).toEqual({ kind: "own" });
    expect(judgeName("Kitchen", kitchen, NODES, { a: "Attic" })).toEqual({ kind: "own" });
    expect(judgeName("", cellar, NODES, { b: "Attic" })).toEqual({ kind: "own" });
  });

  it("is kept, or taken away", () => {
    expect(withName({ b: "B" }, "a", "A")).toEqual({ a: "A", b: "B" });
    expect(withName({ a: "A", b: "B" }, "a", null)).toEqual({ b: "B" });
    expect(Object.keys(withName({}, "__proto__", "A"))).toEqual(["__proto__"]);
  });
});

it("hides resources of one node or of all", () => {
  const hidden = new Set([hiddenKey("a", "led"), hiddenKey("*", "uvindex")]);
  expect(["a", "b"].map((uid) => isHidden(hidden, uid, "led"))).toEqual([true, false]);
  expect(["a", "b"].map((uid) => isHidden(hidden, uid, "uvindex"))).toEqual([true, true]);
  expect(isHidden(new Set(), "a", "led")).toBe(false);
});

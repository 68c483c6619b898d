// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { givenName, inOrder, merged, ownTitle, titleOf } from "../../src/model/title";

describe("a title", () => {
  it.each([
    [{ uid: "0123456789", title: "Own" }, { "0123456789": "Given" }, "Given"],
    [{ uid: "0123456789", title: "Own" }, { other: "Given" }, "Own"],
    [{ uid: "0123456789", title: "" }, {}, "Node 01234567"],
    [{ uid: "toString", title: "" }, {}, "Node toString"],
    [{ uid: "a", title: "Own", name: "Recorded" }, { a: "Given" }, "Recorded"],
    [{ uid: "a", title: "Own", name: "" }, { a: "Given" }, "Given"],
  ])("of %j with %j is %s", (node, names, title) => {
    expect(titleOf(node, names)).toBe(title);
  });

  it("is the node's own where nobody gave it another", () => {
    expect([ownTitle({ uid: "a", title: "Own", name: "Recorded" }), ownTitle({ uid: "a", title: "" })]).toEqual(["Own", "Node a"]);
  });

  it("is given to some only", () => {
    expect(givenName("a", { a: "A" })).toBe("A");
    expect(givenName("toString", {})).toBe("");
  });
});

it("lists 10 after 9, and the nameless last", () => {
  const titles = ["b10", "", "B9", "a"].map((title) => ({ uid: title, title }));
  expect(titles.sort(inOrder).map(({ title }) => title)).toEqual(["a", "B9", "b10", ""]);
  const called = [{ uid: "1", title: "a", name: "z" }, { uid: "2", title: "", name: "b" }, { uid: "3", title: "c" }];
  expect(called.sort(inOrder).map(({ uid }) => uid)).toEqual(["2", "3", "1"]);
});

it("merges sorted lists", () => {
  const byNumber = (a: number, b: number): number => a - b;
  expect(merged([2, 4, 4], [1, 3, 4, 9], byNumber)).toEqual([1, 2, 3, 4, 4, 4, 9]);
  expect(merged([], [1], byNumber)).toEqual([1]);
  expect(merged([1], [], byNumber)).toEqual([1]);
});

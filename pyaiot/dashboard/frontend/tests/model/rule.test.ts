// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { CONDITIONS } from "../../src/wire/messages";
import { draftOf, faultOf, fieldsOf, NEW_RULE, numberFrom, ruleOf, type Draft } from "../../src/model/rule";

const HOT: Draft = { ...NEW_RULE, name: " Too hot ", resource: "temperature", high: "30,5" };

describe("a number that is typed", () => {
  it("has a point or a comma", () => {
    expect(["1", " -2.5 ", "3,5", ".5", "1e3", "+4"].map(numberFrom)).toEqual([1, -2.5, 3.5, 0.5, 1000, 4]);
  });

  it("is nothing, or none", () => {
    expect(numberFrom("  ")).toBeNull();
    for (const text of ["x", "1 2", "1,2,3", "Infinity", "0x10", "-"]) expect(numberFrom(text)).toBeNaN();
  });
});

describe("a draft", () => {
  it("says what is wrong with it first", () => {
    expect(faultOf({ ...HOT, name: " " })).toBe("name");
    expect(faultOf({ ...HOT, resource: "" })).toBe("resource");
    expect(faultOf({ ...HOT, high: "warm" })).toBe("number");
    expect(faultOf({ ...HOT, seconds: "-1" })).toBe("number");
    expect(faultOf({ ...HOT, high: "" })).toBe("bounds");
    expect(faultOf({ ...HOT, condition: "below" })).toBe("bounds");
    expect(faultOf({ ...HOT, condition: "outside", low: "40", high: "30" })).toBe("order");
    expect(faultOf({ ...HOT, condition: "rate", high: "" })).toBe("bounds");
    expect(faultOf({ ...HOT, condition: "silent" })).toBe("seconds");
    expect(faultOf({ ...HOT, condition: "equals" })).toBe("text");
  });

  it("is fine with what its condition needs, whatever else was typed before", () => {
    expect(faultOf(HOT)).toBeNull();
    expect(faultOf({ ...HOT, low: "nonsense" })).toBeNull();
    expect(faultOf({ ...NEW_RULE, name: "Gone", condition: "offline", resource: "" })).toBeNull();
    expect(faultOf({ ...HOT, condition: "rate", low: "-1", high: "" })).toBeNull();
    expect(faultOf({ ...HOT, condition: "silent", seconds: "60" })).toBeNull();
  });

  it("becomes a rule without what does not belong to it", () => {
    expect(ruleOf({ ...HOT, low: "1", text: "x", seconds: "5" })).toMatchObject({
      name: "Too hot",
      low: null,
      high: 30.5,
      text: null,
      seconds: 5,
      hysteresis: 0,
      resource: "temperature",
    });
    expect(ruleOf({ ...NEW_RULE, name: "Gone", condition: "offline", resource: "led", high: "3" })).toMatchObject({
      resource: "*",
      high: null,
    });
  });

  it("compares numbers as numbers, and texts as texts", () => {
    expect(ruleOf({ ...HOT, condition: "equals", text: "1,0" })).toMatchObject({ low: 1, text: null });
    expect(ruleOf({ ...HOT, condition: "equals", text: "open" })).toMatchObject({ low: null, text: "open" });
  });

  it.each(CONDITIONS)("comes back from its rule as it was: %s", (condition) => {
    const typed: Draft = { ...NEW_RULE, name: "n", condition, node: "a*", resource: "r", path: "x", low: "1", high: "2.5", text: "t", seconds: "9", hysteresis: "0.5" };
    const again = draftOf(ruleOf(typed));
    expect(faultOf(typed)).toBeNull();
    for (const field of fieldsOf(condition)) expect([field, again[field]]).toEqual([field, typed[field]]);
    expect(again.condition).toBe(condition);
  });
});

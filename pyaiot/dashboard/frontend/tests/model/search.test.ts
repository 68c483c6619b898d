// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { folded, indexOf, search, type Found } from "../../src/model/search";

const INDEX = indexOf({
  nodes: [
    {
      uid: "a1",
      texts: ["Küche", "a1", "samr21-xpro", "riot", "CoAP"],
      resources: [
        { endpoint: "temperature", texts: ["Temperatur", "temperature"] },
        { endpoint: "led", texts: ["LED", "led"] },
      ],
    },
    { uid: "b2", texts: ["Cellar", "b2", "esp32", "micropython", "MQTT"], resources: [{ endpoint: "temperature", texts: ["Temperatur", "temperature"] }] },
    { uid: "c3", texts: ["Wine cellar", "c3", "", "riot", "MQTT"], resources: [] },
  ],
  others: [
    { what: "table", texts: ["Table"] },
    { what: "dark", texts: ["Dark theme", "theme"] },
  ],
});

function found(query: string, most = 10): readonly string[] {
  const words = (each: Found<string>): string => {
    if (each.kind === "other") return each.other;
    return each.kind === "node" ? each.uid : `${each.uid}/${each.endpoint}`;
  };
  return search(INDEX, query, most).map(words);
}

describe("search", () => {
  it.each<[string, readonly string[]]>([
    ["", ["table", "dark"]],
    ["kuche", ["a1", ]],
    ["KÜCHE", ["a1"]],
    ["cellar", ["b2", "c3"]],
    ["kuche temp", ["a1/temperature"]],
    ["temp kuche", ["a1/temperature"]],
    ["temp", ["a1/temperature", "b2/temperature"]],
    ["led", ["a1/led"]],
    ["riot mqtt", ["c3"]],
    ["esp", ["b2"]],
    ["tab", ["table"]],
    ["theme", ["dark"]],
    ["cellar led", []],
    ["nowhere", []],
    [" \t ", ["table", "dark"]],
  ])("%j", (query, expected) => {
    expect(found(query)).toEqual(expected);
  });

  it("gives no more than was asked for", () => {
    expect(found("t", 2)).toHaveLength(2);
  });

  it("puts what is called so before what only holds the word", () => {
    expect(found("c")[0]).toBe("b2");
  });

  it("takes signs of patterns for what they are", () => {
    expect(found(".*")).toEqual([]);
    expect(found("[")).toEqual([]);
  });
});

it("folds what people type in different ways", () => {
  expect(folded("ÉCLAIRAGE Nº1")).toBe("eclairage nº1");
});

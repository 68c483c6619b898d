// SPDX-License-Identifier: BSD-3-Clause
import { expect, it } from "vitest";

import { dictionaryOf, say } from "../../src/words/dictionary";

const dictionary = dictionaryOf({
  "./en/room.json": {
    plain: "Hello",
    named: "Hello {name}, {name} and {other}",
    nodes: { one: "{count} node", other: "{count} nodes" },
    constructor: "no trap",
  },
  "./en/other.json": { plain: "Elsewhere" },
});

it("finds words by their room and key", () => {
  expect(say(dictionary, "en", "room.plain", {})).toBe("Hello");
  expect(say(dictionary, "en", "other.plain", {})).toBe("Elsewhere");
  expect(say(dictionary, "en", "room.constructor", {})).toBe("no trap");
});

it("shows the key of what it has no words for", () => {
  expect(say(dictionary, "en", "room.nothing", {})).toBe("room.nothing");
});

it("puts parameters where they belong, and never reads them as more than text", () => {
  expect(say(dictionary, "en", "room.named", { name: "{other}$&", other: "x" })).toBe("Hello {other}$&, {other}$& and x");
  expect(say(dictionary, "en", "room.named", {})).toBe("Hello {name}, {name} and {other}");
});

it("counts as the language does", () => {
  const nodes = (language: string, count: number): string => say(dictionary, language, "room.nodes", { count });
  expect(nodes("en", 1)).toBe("1 node");
  expect(nodes("en", 0)).toBe("0 nodes");
  expect(nodes("fr", 0)).toBe("0 node");
  expect(nodes("de", 2500)).toBe("2.500 nodes");
});

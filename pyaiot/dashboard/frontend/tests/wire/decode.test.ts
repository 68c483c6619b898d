// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { decode, fits } from "../../src/wire/decode";

const snapshot = {
  type: "snapshot",
  nodes: [{ uid: "1", availability: "late", seen: 5, resources: { led: ["0", 4.5] } }],
};

describe("decode", () => {
  it("reads one message, and an array of them", () => {
    expect(decode('{"type":"out","uid":"1"}')).toEqual([{ type: "out", uid: "1" }]);
    expect(decode('[{"type":"out","uid":"1"},{"type":"reset","uid":"2"}]')).toHaveLength(2);
    expect(decode(JSON.stringify(snapshot))).toEqual([snapshot]);
  });

  it("takes what the original sends: no time, any JSON as a value, members of its own", () => {
    for (const data of ["27°C", 5, null, { lat: 1 }, [1, "a"], false]) {
      const message = { type: "update", uid: "1234", endpoint: "temperature", data, dst: "all" };
      expect(decode(JSON.stringify(message))).toEqual([message]);
    }
    expect(decode('{"type":"new","uid":"1","dst":"all","src":"x"}')).toHaveLength(1);
  });

  it.each([
    "",
    "no JSON",
    "null",
    "5",
    "[null, [], 5]",
    '{"type":5}',
    '{"type":"future","uid":"1"}',
    '{"type":"toString"}',
    '{"type":"__proto__"}',
    '{"type":"update","uid":"1","endpoint":"led"}',
    '{"type":"update","uid":1,"endpoint":"led","data":1}',
    '{"type":"availability","uid":"1","availability":"asleep","seen":1}',
    '{"type":"new","uid":"1","seen":"yesterday"}',
    '{"type":"snapshot","nodes":{}}',
    '{"type":"snapshot","nodes":[{"uid":"1","availability":"online","seen":1,"resources":[]}]}',
    '{"type":"snapshot","nodes":[{"uid":"1","availability":"online","seen":1,"resources":{"a":[1]}}]}',
    '{"type":"snapshot","nodes":[{"uid":"1","availability":"online","seen":1,"resources":{"a":1}}]}',
  ])("leaves out %s", (frame) => {
    expect(decode(frame)).toEqual([]);
  });

  it("keeps the good messages of a frame with a bad one", () => {
    expect(decode('[{"type":"what"},{"type":"out","uid":"1"}]')).toEqual([{ type: "out", uid: "1" }]);
  });

  it("does not let a node named __proto__ touch anything but itself", () => {
    const [message] = decode('{"type":"update","uid":"__proto__","endpoint":"__proto__","data":{"__proto__":{"a":1}}}');
    expect(message?.type).toBe("update");
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });
});

describe("fits", () => {
  it("knows lists, pairs and what may be missing", () => {
    expect(fits(["a"], { listOf: "string" })).toBe(true);
    expect(fits(["a", 1], { listOf: "string" })).toBe(false);
    expect(fits({}, { object: { "a?": "string" } })).toBe(true);
    expect(fits({ a: 1 }, { object: { "a?": "string" } })).toBe(false);
    expect(fits(undefined, "any")).toBe(false);
    expect(fits(true, "boolean")).toBe(true);
  });
});

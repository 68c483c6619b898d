// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { addressesOf } from "../../src/config";
import { ageOf } from "../../src/model/age";
import { plainLabel } from "../../src/model/label";
import { branchOf, leavesOf, MOST_MEMBERS } from "../../src/model/structure";
import { troubleOf } from "../../src/model/trouble";
import type { Json } from "../../src/wire/messages";

it.each([
  [-100, "now", 0],
  [0, "now", 0],
  [Number.NaN, "now", 0],
  [1.6, "seconds", 1],
  [59.9, "seconds", 59],
  [60, "minutes", 1],
  [7199, "hours", 1],
  [200_000, "days", 2],
])("tells an age of %f s", (seconds, unit, count) => {
  expect(ageOf(seconds)).toEqual({ unit, count });
});

it("names resources that there are no words for by their own", () => {
  expect(["temperature", "cli/stats", "LED", "soil_moisture", "/"].map(plainLabel)).toEqual([
    "Temperature", "Cli stats", "LED", "Soil moisture", "",
  ]); // prettier-ignore
});

describe("leavesOf", () => {
  it.each<[Json, string[]]>([
    [{ lat: 48.7, lng: -2.2 }, ["lat=48.7", "lng=−2.2"]],
    [[1, 2, 3], ["=1\u20022\u20023"]],
    [
      [
        { type: "acc", values: [1, -2] },
        { type: "gyro", values: [3] },
      ],
      ["acc=1\u2002−2", "gyro=3"],
    ],
    [{ a: { b: { c: true } }, d: null }, ["a.b.c=true", "d=null"]],
    [[{ a: 1, b: 2 }], ["0.a=1", "0.b=2"]],
    [{ a: [] }, ["a="]],
    [{ type: "x" }, ["type=x"]],
    [[[[[[[[[1]]]]]]]], ["0.0.0.0.0.0=…"]],
  ])("%j", (structure, leaves) => {
    expect(leavesOf(structure).map(({ path, text }) => `${path}=${text}`)).toEqual(leaves);
  });

  it("stops counting somewhere", () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`n${index}`, index]));
    expect(leavesOf(many)).toHaveLength(500);
  });
});

describe("branchOf", () => {
  it("opens a structure one level after the other", () => {
    const root = branchOf("", { a: [1, "two", null], b: -5, c: {} });
    expect(root.members().map(({ name, text, count, list }) => [name, text, count, list])).toEqual([
      ["a", null, 3, true],
      ["b", "\u22125", 0, false],
      ["c", null, 0, false],
    ]);
    expect(root.members()[0]?.members().map(({ name, text }) => `${name}=${text}`)).toEqual(["0=1", "1=two", "2=null"]);
  });

  it("shows only so much of what has no end", () => {
    const root = branchOf("", Array.from({ length: 5000 }, () => "x"));
    expect(root.count).toBe(5000);
    expect(root.members()).toHaveLength(MOST_MEMBERS);
    expect(branchOf("", "x".repeat(9000)).text).toHaveLength(2001);
  });
});

describe("addressesOf", () => {
  const PLAIN = "http://page:8080/";

  it("is what the server says", () => {
    expect(addressesOf({ url: null, host: "b", port: 8000, secure: false }, PLAIN)).toEqual({
      socket: "ws://b:8000/ws",
      health: "http://b:8000/health",
    });
    expect(addressesOf({ url: null, host: "::1", port: null, secure: true }, PLAIN).socket).toBe("wss://[::1]/ws");
  });

  it("never leaves TLS on a page that came by it", () => {
    const secure = "https://page/";
    const plain = { url: null, host: "b", port: null, secure: false };
    expect(addressesOf(plain, secure).socket).toBe("wss://b/ws");
    expect(addressesOf({ url: "ws://b:81/ws" }, secure)).toEqual({
      socket: "wss://b:81/ws",
      health: "https://b:81/health",
    });
  });

  it.each([
    ["broker/ws", "wss://host/iot/broker/ws", "https://host/iot/broker/health"],
    ["/ws", "wss://host/ws", "https://host/health"],
    ["wss://b:444/x/ws?y", "wss://b:444/x/ws?y", "https://b:444/x/health"],
  ])("takes %s from where the page is", (url, socket, health) => {
    expect(addressesOf({ url }, "https://host/iot/#/table?node=7")).toEqual({ socket, health });
  });
});

describe("troubleOf", () => {
  const at = (kind: "unreachable" | "refused" | "doubted" | "silent") =>
    troubleOf({ kind }, "ws://b:8000/ws", "http://page");

  it("says for each trouble what can be done", () => {
    expect(at("unreachable").commands).toEqual(["aiot-broker"]);
    expect(at("refused").commands).toContain(
      "aiot-broker --anonymous control --allow-origin http://page",
    );
    // Whoever is known to the page is no stranger: the keys are what can be wrong.
    expect(at("doubted").commands).toEqual(["aiot-generate-keys", "aiot-broker --allow-origin http://page"]);
    expect(at("silent").parameters).toEqual({ address: "ws://b:8000/ws" });
    expect(troubleOf({ kind: "closed", reason: "Too many" }, "ws://b/ws", "")).toMatchObject({
      advice: "trouble.said",
      parameters: { reason: "Too many" },
    });
    expect(troubleOf({ kind: "closed", reason: "" }, "ws://b/ws", "").parameters).toEqual({ address: "ws://b/ws" });
    expect(troubleOf({ kind: "unreachable" }, "ws://b:9/ws", "").commands).toEqual([
      "aiot-broker --broker-port 9",
    ]);
  });
});

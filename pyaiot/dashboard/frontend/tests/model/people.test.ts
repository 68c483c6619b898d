// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { agentName } from "../../src/model/agent";
import { configOf, configText, fieldsOf, parseConfig } from "../../src/model/config";
import { uidOfToken, waysOf } from "../../src/model/connect";
import { qrPicture } from "../../src/model/qr";

describe("a QR code", () => {
  it("is drawn as runs of dark modules within a quiet zone", () => {
    expect(qrPicture(["110", "000", "101"])).toEqual({
      size: 11,
      path: "M4 4h2v1h-2zM4 6h1v1h-1zM6 6h1v1h-1z",
    });
    expect(qrPicture([])).toEqual({ size: 8, path: "" });
  });
});

describe("notes on a device", () => {
  it.each([
    ["", {}],
    [' {"a": 1} ', { a: 1 }],
    ["[1]", null],
    ["null", null],
    ["7", null],
    ["{", null],
    [`{"a": "${"x".repeat(20_000)}"}`, null],
  ])("in %j are %j", (text, config) => {
    expect(parseConfig(text)).toEqual(config);
  });

  it("go from fields to JSON and back as what they are", () => {
    const config = { room: "12", floor: 2, heated: true, none: null, span: [1, 2], spaced: " x ", word: "two words" };
    expect(configOf(fieldsOf(config))).toEqual(config);
    expect(fieldsOf({ room: "12", floor: 2, word: "two words" })).toEqual([
      { name: "room", text: '"12"' },
      { name: "floor", text: "2" },
      { name: "word", text: "two words" },
    ]);
    expect(parseConfig(configText(config))).toEqual(config);
    expect(configText({})).toBe("");
  });

  it("without a name are left out, and the last of a name counts", () => {
    expect(configOf([{ name: " ", text: "x" }, { name: "a", text: "1" }, { name: " a ", text: " on " }])).toEqual({ a: "on" });
    expect(Object.keys(configOf([{ name: "__proto__", text: "1" }]))).toEqual(["__proto__"]);
  });
});

function token(claims: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const letters = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `e30.${letters}.c2ln`;
}

describe("a device's token", () => {
  it.each([
    [token({ use: "device", sub: "Küche?>" }), "Küche?>"],
    [token({ use: "access", sub: "1" }), ""],
    [token({ sub: "1" }), ""],
    [token({ use: "device", sub: 1 }), ""],
    [token(null), ""],
    ["a.b", ""],
    ["a.%.c", ""],
    ["", ""],
  ])("%s is of %j", (text, uid) => {
    expect(uidOfToken(text)).toBe(uid);
  });

  it("goes along by every protocol", () => {
    const [websocket, mqtt, coap] = waysOf("t.o.k", "u 1", "host.example").map(({ commands }) => commands);
    expect(websocket).toEqual([
      "websocat -H 'Authorization: Bearer t.o.k' ws://host.example:8001/node",
      '{"type":"new","id":"u 1"}',
      '{"type":"update","data":{"temperature":"21.5°C"}}',
    ]);
    expect(mqtt).toEqual([
      `mosquitto_pub -h host.example -p 1886 -u device -P t.o.k -t node/check -m '{"id":"u 1"}'`,
      `mosquitto_pub -h host.example -p 1886 -u device -P t.o.k -t 'node/u 1/temperature' -m '{"value":"21.5°C"}'`,
    ]);
    expect(coap).toEqual([
      "coap-client-notls -m post -e 'alive:u 1' 'coap://host.example/alive?token=t.o.k'",
      "coap-client-notls -m post -e 'temperature:21.5°C' 'coap://host.example/server?token=t.o.k'",
    ]);
  });

  it("is one word for a shell, whatever it is of", () => {
    const [, mqtt] = waysOf("t", "it's $(rm)", "[::1]");
    expect(mqtt?.commands[1]).toContain(`-h ::1 -p 1886 -u device -P t -t 'node/it'\\''s $(rm)/temperature'`);
    expect(waysOf("t", "u", "::1")[0]?.commands[0]).toContain("ws://[::1]:8001/node");
  });
});

it.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome · Linux"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Windows"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1", "Safari · iOS"],
  ["curl/8.5.0", "curl/8.5.0"],
  ["x".repeat(300), "x".repeat(60)],
  ["", ""],
])("%s is called %j", (agent, name) => {
  expect(agentName(agent)).toBe(name);
});

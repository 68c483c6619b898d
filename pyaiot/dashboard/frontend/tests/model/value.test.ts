// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { addressIn, isOn, isUnavailable, kindOf, numberText, quantityOf, structureOf, textOf, unitText, wholeOf } from "../../src/model/value";
import type { Json } from "../../src/wire/messages";
import cases from "../quantities.json";

describe("quantityOf", () => {
  it.each(cases as [Json, number | null, string][])("%j", (value, number, unit) => {
    const quantity = quantityOf(value);
    expect(quantity === null ? null : quantity.number).toBe(number);
    expect(quantity?.unit ?? "").toBe(unit);
  });

  it("does not look into long texts", () => {
    expect(quantityOf(`1${" ".repeat(64)}`)).toBeNull();
    expect(quantityOf(undefined)).toBeNull();
  });
});

describe("numberText", () => {
  const written = (value: Json): string => {
    const quantity = quantityOf(value);
    return quantity === null ? "" : numberText(quantity);
  };

  it.each([
    ["23.40°C", "23.40"],
    ["0", "0"],
    ["0.0", "0.0"],
    ["-4.5", "−4.5"],
    [0.1 + 0.2, "0.3000"],
    [1e12, "1\u202f×\u202f10¹²"],
    [2e-7, "2\u202f×\u202f10⁻⁷"],
    ["1e999", "∞"],
    ["9999.5", "9999.5"],
    ["101325.12", "101,325.12"],
  ])("%j reads %s", (value, text) => {
    expect(written(value)).toBe(text);
  });
});

it("writes numbers as the readers do, with no more digits than were sent", () => {
  const text = (number: number, decimals: number, language: string): string => numberText({ number, decimals }, language);
  expect(text(-1234567.5, 1, "de")).toBe("−1.234.567,5");
  expect(text(0.25, 2, "fr")).toBe("0,25");
  expect(text(23, 0, "en")).toBe("23");
  expect(text(1.23456789, 8, "en")).toBe("1.2346");
  expect(text(Number.NaN, 2, "en")).toBe("–");
});

it("prints units", () => {
  expect(["ug/m3", "m2", "°C", "uV", "us", "unit", "m/s2", "rpm", ""].map(unitText)).toEqual([
    "µg/m³", "m²", "°C", "µV", "µs", "unit", "m/s2", "rpm", "",
  ]); // prettier-ignore
});

describe("isUnavailable", () => {
  it.each(["nan", "-nan", "NaN°C", "nan hPa", "nanhPa", "unavailable", "Unknown", " n/a ", "none"])("%s", (value) => {
    expect(isUnavailable(value)).toBe(true);
  });

  it.each<Json | undefined>(["nancy", "none of them", "unknown person", "23", "", null, undefined, 0])("not %j", (value) => {
    expect(isUnavailable(value)).toBe(false);
  });
});

describe("kindOf", () => {
  it.each<[string, Json | undefined, string]>([
    ["temperature", "23°C", "number"],
    ["temperature", 0, "number"],
    ["temperature", null, "unknown"],
    ["temperature", "", "unknown"],
    ["temperature", undefined, "unknown"],
    ["temperature", "nan°C", "unknown"],
    ["led", "0", "toggle"],
    ["led", 1, "toggle"],
    ["led2", "1", "toggle"],
    ["board/led", false, "toggle"],
    ["led", "blinking", "text"],
    ["led", "23", "number"],
    ["pledge", "12", "number"],
    ["relay", "1", "toggle"],
    ["relay", true, "toggle"],
    ["pump", "OFF", "toggle"],
    ["count", 0, "number"],
    ["error_count", "1", "number"],
    ["pm2.5", "0", "number"],
    ["x", 1, "number"],
    ["motion", "1", "indicator"],
    ["front_door", false, "indicator"],
    ["hall/contact2", "on", "indicator"],
    ["emotion", "1", "toggle"],
    ["doorbell_led", "1", "toggle"],
    ["suit_state", "0", "firmware"],
    ["text", "unknown", "message"],
    ["twitter", "", "message"],
    ["webcam", "anything", "picture"],
    ["view", "https://cam.example/a.JPG?x", "picture"],
    ["view", "https://cam.example/page", "text"],
    ["view", "data:image/png;base64,AA", "text"],
    ["version", "1.2", "text"],
    ["position", '{"lat":1}', "position"],
    ["imu", [1, 2], "imu"],
    ["robot", undefined, "pad"],
    ["ribot", "", "stick"],
    ["list", [1, 2], "structure"],
    ["note", "{not json", "text"],
    ["note", "hello", "text"],
    ["flag", true, "toggle"],
  ])("%s = %j is a %s", (endpoint, value, kind) => {
    expect(kindOf(endpoint, value)).toBe(kind);
  });
});

it("knows on, off and neither", () => {
  expect(["1", 1, true, "true", "on", "ON", "On"].map(isOn)).toEqual(Array(7).fill(true));
  expect(["0", 0, false, "False", "off", "OFF"].map(isOn)).toEqual(Array(6).fill(false));
  expect(["2", null, undefined, "", "once", "10", "offline", "1.0", [1]].map(isOn)).toEqual(Array(9).fill(null));
});

describe("addressIn", () => {
  it.each(["http://cam/1.jpg", " HTTPS://cam.example:8443/a?b=c#d ", "http://[fd00::1]/x"])("follows %s", (text) => {
    expect(addressIn(text)?.protocol).toMatch(/^https?:$/);
  });

  it.each<Json | undefined>([
    "javascript:alert(1)", "data:image/png;base64,AA", "file:///etc/passwd", "//cam/1.jpg", "/1.jpg", "ftp://cam/1.jpg",
    "http://user:word@cam/", "http://", "http://a b/", "java\nscript:alert(1)", `http://a/${"a".repeat(2048)}`, 5, null, undefined,
    "blob:http://cam/1", "see http://cam/1.jpg", "http:cam",
  ])("refuses %j", (value) => {
    expect(addressIn(value)).toBeNull();
  }); // prettier-ignore
});

it("knows what is a part of what", () => {
  expect([wholeOf("dwnld"), wholeOf("led")]).toEqual(["suit_state", undefined]);
});

it("takes structures as such and as text, but none that is longer than anybody reads", () => {
  expect(structureOf({ a: 1 })).toEqual({ a: 1 });
  expect(structureOf(" [1]")).toEqual([1]);
  expect(structureOf(`[${"1,".repeat(9000)}1]`)).toBeNull();
  expect(structureOf(5)).toBeNull();
});

it("writes anything as text", () => {
  expect([undefined, "a", 5, null, true, [1], { a: "b" }].map((value) => textOf(value))).toEqual([
    "", "a", "5", "null", "true", "[1]", '{"a":"b"}',
  ]); // prettier-ignore
});

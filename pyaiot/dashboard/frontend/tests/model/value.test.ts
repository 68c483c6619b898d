// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { isLit, isUnavailable, kindOf, numberText, quantityOf, structureOf, textOf, unitText } from "../../src/model/value";
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
    ["text", "unknown", "text"],
    ["led", "0", "toggle"],
    ["led", 1, "toggle"],
    ["led2", "1", "toggle"],
    ["board/led", false, "toggle"],
    ["led", "blinking", "text"],
    ["led", "23", "number"],
    ["pledge", "1", "number"],
    ["version", "1.2", "text"],
    ["position", '{"lat":1}', "position"],
    ["imu", [1, 2], "imu"],
    ["robot", undefined, "pad"],
    ["ribot", "", "stick"],
    ["list", [1, 2], "structure"],
    ["text", "{not json", "text"],
    ["text", "hello", "text"],
    ["flag", true, "text"],
  ])("%s = %j is a %s", (endpoint, value, kind) => {
    expect(kindOf(endpoint, value)).toBe(kind);
  });
});

it("knows on, off and neither", () => {
  expect(["1", 1, true].map(isLit)).toEqual([true, true, true]);
  expect(["0", 0, false].map(isLit)).toEqual([false, false, false]);
  expect(["2", null, undefined, "on"].map(isLit)).toEqual([null, null, null, null]);
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

// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { isLit, kindOf, numberText, quantityOf, structureOf, textOf } from "../../src/model/value";
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
    [1e12, "1.000e+12"],
    [2e-7, "2.000e-7"],
    ["1e999", "Infinity"],
  ])("%j reads %s", (value, text) => {
    expect(written(value)).toBe(text);
  });
});

describe("kindOf", () => {
  it.each<[string, Json | undefined, string]>([
    ["temperature", "23°C", "number"],
    ["temperature", 0, "number"],
    ["temperature", null, "unknown"],
    ["temperature", "", "unknown"],
    ["temperature", undefined, "unknown"],
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

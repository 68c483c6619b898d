// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { isBusy, isTravelling, provesFixed, sizeOf, switching } from "../../src/model/control";
import type { Order, Phase } from "../../src/model/state";
import { isOn } from "../../src/model/value";
import type { Json } from "../../src/wire/messages";

describe("switching", () => {
  it.each<[string, Json | undefined, string, string]>([
    ["led", "0", "1", "0"],
    ["led", 1, "1", "0"],
    ["led", true, "1", "0"],
    ["led", "true", "1", "0"],
    ["led", undefined, "1", "0"],
    ["led", "off", "on", "off"],
    ["relay", "1", "1", "0"],
    ["relay", 0, "1", "0"],
    ["relay", true, "true", "false"],
    ["relay", "True", "True", "False"],
    ["relay", "FALSE", "TRUE", "FALSE"],
    ["relay", "on", "on", "off"],
    ["relay", "Off", "On", "Off"],
    ["relay", "ON", "ON", "OFF"],
  ])("%s, which says %j, takes %s and %s", (endpoint, value, on, off) => {
    expect([switching(endpoint, value, true), switching(endpoint, value, false)]).toEqual([on, off]);
    expect([isOn(on), isOn(off)]).toEqual([true, false]);
  });
});

it("knows how far an order has come", () => {
  const phases: (Phase | undefined)[] = ["pressed", "sent", "queued", "applied", "failed", undefined];
  expect(phases.map(isBusy)).toEqual([true, true, true, false, false, false]);
  expect(phases.map(isTravelling)).toEqual([true, true, false, false, false, false]);
});

describe("provesFixed", () => {
  const failed = (reason: string): Order => ({ id: "1", payload: "1", phase: "failed", reason, cause: "failed", since: 0 });

  it.each(["4.05 Method Not Allowed.", "4.05 Method Not Allowed: Resource 'x' is read-only.", "The resource is read only."])(
    "%s",
    (reason) => {
      expect(provesFixed(failed(reason))).toBe(true);
    },
  );

  it.each(["4.00 Bad Request: 4.05", "4.04 Not Found.", "The node says it is '0'.", "It was already read.", ""])(
    "not: %s",
    (reason) => {
      expect(provesFixed(failed(reason))).toBe(false);
    },
  );

  it("not while it has not failed", () => {
    expect(provesFixed(null)).toBe(false);
    expect(provesFixed({ ...failed("4.05 Method Not Allowed."), phase: "applied" })).toBe(false);
  });
});

it("counts bytes", () => {
  expect(["", "abc", "°", "😀"].map(sizeOf)).toEqual([0, 3, 2, 4]);
});

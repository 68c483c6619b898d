// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, describe, expect, it, vi } from "vitest";

import type { RuleForm } from "../../src/api/types";
import { speak } from "../../src/words";
import { alertText } from "../../src/words/alert";
import { ruleText } from "../../src/words/rule";
import type { Finding } from "../../src/wire/messages";

function said(finding: Finding | null, endpoint = "temperature"): string {
  return alertText({ uid: "1234", endpoint, text: "temperature of 1234 is 17.4°C, above 16", finding }, "Cellar");
}

describe("what is wrong", () => {
  afterEach(async () => {
    vi.stubGlobal("document", { documentElement: { lang: "" } });
    await speak("en");
    vi.unstubAllGlobals();
  });

  it.each<[Finding, string]>([
    [{ condition: "above", value: "17.4°C", high: 16 }, "17.4 °C, above 16"],
    [{ condition: "below", value: "-3", low: 0.5 }, "−3, below 0.5"],
    [{ condition: "outside", value: "40ug/m3", low: 0, high: 20 }, "40 µg/m³, outside 0 to 20"],
    [{ condition: "equals", value: "open" }, "open"],
    [{ condition: "rate", value: "7", high: 2 }, "changes by more than 2 a second"],
    [{ condition: "rate", value: "7", low: -2 }, "changes by less than −2 a second"],
    [{ condition: "silent", seconds: 600 }, "No reading for 10 min"],
    [{ condition: "above", value: "2", high: 1, path: "acc.x" }, "acc.x: 2, above 1"],
    [{ condition: "offline" }, "It is offline"],
  ])("%o", (finding, words) => {
    expect(said(finding)).toBe(words);
  });

  it("is about a node as a whole where it names no resource", () => {
    expect(said({ condition: "silent", seconds: 60 }, "")).toBe("Nothing for 1 min");
  });

  it("is told in the words of whoever found it where no more is known", () => {
    expect(said(null)).toBe("temperature of Cellar is 17.4°C, above 16");
  });

  it("is told in the reader's language", async () => {
    vi.stubGlobal("document", { documentElement: { lang: "" } });
    await speak("fr");
    expect(said({ condition: "above", value: "17.4°C", high: 16.5 })).toBe("17,4 °C, au-dessus de 16,5");
    await speak("de");
    expect(said({ condition: "silent", seconds: 600 })).toBe("Kein Messwert seit 10 min");
  });
});

it("says of a rate the bounds that there are", () => {
  const rule = { condition: "rate", low: null, high: null, text: null, seconds: 0 } as unknown as RuleForm;
  expect(ruleText({ ...rule, high: 2 })).toBe("changes by more than 2 a second");
  expect(ruleText({ ...rule, low: -2 })).toBe("changes by less than −2 a second");
  expect(ruleText({ ...rule, low: -2, high: 2 })).toBe("changes by less than −2 or more than 2 a second");
});

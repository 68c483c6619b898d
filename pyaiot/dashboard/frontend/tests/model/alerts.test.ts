// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import type { Alert as Stored } from "../../src/api/types";
import { attentionOf, heard, NO_ALERTS, openOf, sentenceOf, worstOf } from "../../src/model/alerts";
import type { Alert as Told } from "../../src/wire/messages";

function told(id: string, more: Partial<Told> = {}): Told {
  return {
    type: "alert",
    id,
    rule: "r",
    uid: "1234",
    endpoint: "temperature",
    severity: "warning",
    state: "raised",
    time: 100,
    text: "Too hot.",
    ...more,
  };
}

function stored(id: string, more: Partial<Stored> = {}): Stored {
  return {
    id,
    rule: "r",
    rule_name: "Hot",
    uid: "1234",
    endpoint: "temperature",
    severity: "warning",
    state: "raised",
    text: "Too hot.",
    finding: null,
    value: "41",
    raised: 90,
    acknowledged: null,
    acknowledged_by: null,
    cleared: null,
    ...more,
  };
}

describe("alerts", () => {
  it("open when they are raised, and end when they are cleared", () => {
    const open = heard(NO_ALERTS, told("a"));
    expect(open.get("a")).toMatchObject({ uid: "1234", state: "raised", raised: 100 });
    expect(heard(open, told("a", { state: "cleared", time: 120 })).size).toBe(0);
    expect(heard(open, told("b", { state: "cleared" }))).toBe(open);
  });

  it("keep when they were raised, whatever comes later", () => {
    const open = heard(heard(NO_ALERTS, told("a")), told("a", { state: "acknowledged", time: 150 }));
    expect(open.get("a")).toMatchObject({ state: "acknowledged", raised: 100 });
    expect(heard(open, told("a", { time: 160 }))).toBe(open);
    expect(heard(open, told("a", { state: "acknowledged" }))).toBe(open);
  });

  it("keep what is wrong in more than words, as far as anybody told it", () => {
    const finding = { condition: "above", value: "41", high: 30 } as const;
    const open = heard(heard(NO_ALERTS, told("a", { finding })), told("a", { state: "acknowledged" }));
    expect(open.get("a")?.finding).toEqual(finding);
    expect(heard(NO_ALERTS, told("a")).get("a")?.finding).toBeNull();
    expect(openOf([stored("a", { finding })]).get("a")?.finding).toEqual(finding);
  });

  it("come from the store, the oldest first, without what is over", () => {
    const open = openOf([stored("new"), stored("over", { state: "cleared" }), stored("old", { state: "acknowledged" })]);
    expect([...open.keys()]).toEqual(["old", "new"]);
  });

  it("want attention until somebody has seen to them, as much as the worst of them does", () => {
    let open = heard(heard(NO_ALERTS, told("a", { severity: "info" })), told("b", { severity: "critical", uid: "other" }));
    expect(attentionOf(open)).toEqual({ count: 2, worst: "critical" });
    open = heard(open, told("b", { state: "acknowledged" }));
    expect(attentionOf(open)).toEqual({ count: 1, worst: "info" });
    expect(attentionOf(NO_ALERTS)).toEqual({ count: 0, worst: null });
  });

  it("mark each node by the worst that is open about it", () => {
    const told3 = [told("a", { severity: "info" }), told("b", { severity: "critical" }), told("c", { severity: "warning" })];
    const open = [...told3, told("d", { uid: "other", state: "acknowledged" })].reduce(heard, NO_ALERTS);
    expect([...worstOf(open)]).toEqual([["1234", "critical"], ["other", told("d").severity]]);
    expect(worstOf(NO_ALERTS).size).toBe(0);
  });

  it("call a node as the page does", () => {
    expect(sentenceOf({ uid: "1234", text: "humidity of 1234 is 78%" }, "$& Cellar")).toBe("humidity of $& Cellar is 78%");
  });
});

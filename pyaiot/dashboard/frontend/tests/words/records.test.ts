// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import type { AuditEntry, Part } from "../../src/api/types";
import { actionText, detailText, subjectText } from "../../src/words/audit";
import { factsOf, partName, reasonText } from "../../src/words/health";
import { whenText } from "../../src/words/when";

const UID = "5e22129b";

function entry(action: string, subject: string, detail: AuditEntry["detail"] = {}): AuditEntry {
  return { time: 0, user: "Anna", action, subject, detail };
}

/** All that an entry says. */
function told(each: AuditEntry): string {
  const subject = subjectText(each, (uid) => (uid === UID ? "Back door" : null));
  return [actionText(each), subject, detailText(each, subject)].filter(Boolean).join(" / ");
}

describe("what somebody did", () => {
  it.each([
    [entry("session.open", "Anna", { address: "127.0.0.1" }), "logged in / from 127.0.0.1"],
    [entry("session.refuse", "Olaf", { address: "127.0.0.1" }), "failed to log in / Olaf / from 127.0.0.1"],
    [entry("account.change", "Olaf", { role: "admin", before: "viewer" }), "changed the account / Olaf / role: Administrator · before: Viewer"],
    [entry("account.change", "Olaf", { password: true }), "changed the account / Olaf / a new password"],
    [entry("account.add", "Olaf", { role: "owl" }), "made the account / Olaf / role: owl"],
    [entry("node.share", UID, { user: "Olaf", level: "control" }), `shared the node / Back door / ${UID} · with Olaf · may: control`],
    [entry("node.share", UID, { user: "Olaf", level: null }), `shared the node / Back door / ${UID} · with Olaf · may: nothing`],
    [entry("node.change", UID, { owner: null }), `changed the node / Back door / ${UID} · of nobody`],
    [entry("node.change", UID, { public: "view", config: true }), `changed the node / Back door / ${UID} · everybody may: look · notes`],
    [entry("node.change", "far", { location: { place: "Attic" }, kind: "" }), "changed the node / far / where: Attic"],
    [entry("node.change", "far", { location: { lat: 1.5, lng: 2 } }), "changed the node / far / where: 1.5, 2"],
    [entry("node.change", "far", { location: null }), "changed the node / far"],
    [entry("node.register", "far", { name: "Lamp" }), "added the device / Lamp / far"],
    [entry("token.make", UID, { id: "dQAxy", label: "" }), `made a token / Back door / ${UID}`],
    [entry("rule.add", "r1", { name: "Damp" }), "made the rule / Damp / r1"],
    [entry("rule.mute", "r1", { name: "Damp", until: null }), "unmuted the rule / Damp / r1"],
    [entry("rule.mute", "r1", { until: 86_400 }), `muted the rule / r1 / until ${whenText(86_400)}`],
    [entry("alert.acknowledge", "a1", { text: "It is hot" }), "saw to the alert / It is hot / a1"],
    [entry("moon.land", "far", { crew: 3, flag: null }), "moon.land / far / crew: 3"],
  ])("%o", (each, words) => {
    expect(told(each)).toBe(words);
  });
});

describe("how the parts are", () => {
  const part = (name: string, facts: Part["facts"] = {}, reason = ""): Part => ({ name, well: reason === "", reason, facts });
  const facts = (each: Part): string[] => factsOf(each).map(({ name, value }) => `${name}: ${value}`);

  it("is told in words of ours", () => {
    expect(partName(part("recorder"))).toBe("Recorder");
    expect(facts(part("store", { version: 7 }))).toEqual(["Changes to who may do what: 7"]);
    expect(facts(part("broker", { nodes: 1234, directory: true, readers: 0 }))).toEqual([
      "Nodes: 1,234",
      "Broker knows who may do what: yes",
      "Listening through the API: 0",
    ]);
    const report = { status: "ok", service: "recorder", version: "0.1.0", uptime: 3700, broker: "not connected", reason: "x" };
    expect(facts(part("recorder", report))).toEqual(["Version: 0.1.0", "Runs for: 1 h", "Broker: not connected"]);
    expect(facts(part("recorder", { broker: "connected" }))).toEqual(["Broker: connected"]);
  });

  it("is told as it is said where we have no words", () => {
    expect(partName(part("toaster"))).toBe("toaster");
    expect(facts(part("toaster", { slices_left: 2, hot: false, brand: "Pop" }))).toEqual(["slices left: 2", "hot: no", "brand: Pop"]);
    expect(reasonText(part("store", {}, "disk full"))).toBe("disk full");
  });

  it("says why one is not well", () => {
    expect(reasonText(part("broker", {}, "the connection was lost"))).toBe("The connection was lost.");
    expect(reasonText(part("recorder", {}, "broker not connected"))).toBe("It does not reach the broker.");
  });
});

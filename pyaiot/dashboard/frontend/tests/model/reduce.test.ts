// SPDX-License-Identifier: BSD-3-Clause
import { beforeEach, describe, expect, it } from "vitest";

import { MOST_GONE, reduce, type Happening } from "../../src/model/reduce";
import { NOTHING, type Cause, type Node, type Order, type Resource, type State } from "../../src/model/state";
import type { Json, NodeState, Permission, Status, ToPage } from "../../src/wire/messages";

/** This machine's clock is behind the broker's by this much, in seconds. */
const AHEAD = 100;

let state: State;
let steady: number;

const wall = (): number => 1_000_000 + steady;

function happen(...happenings: Happening[]): void {
  state = reduce(state, happenings, { wall: wall(), steady });
}

function receive(...messages: ToPage[]): void {
  happen({ type: "received", messages });
}

function pass(seconds: number): void {
  steady += seconds;
  happen({ type: "ticked" });
}

const welcome = (permissions: readonly Permission[] = ["view", "control"]): ToPage => ({
  type: "welcome",
  client: "c",
  version: "2",
  wire: 1,
  permissions,
  time: wall() + AHEAD,
});

const update = (uid: string, endpoint: string, data: Json, time?: number): ToPage => ({
  type: "update",
  uid,
  endpoint,
  data,
  ...(time === undefined ? {} : { time }),
});

const held = (uid: string, resources: NodeState["resources"] = {}): NodeState => ({
  uid,
  availability: "online",
  seen: 5,
  resources,
});

const snapshot = (...nodes: NodeState[]): ToPage => ({ type: "snapshot", nodes, part: 0, last: true });

function node(uid: string): Node {
  const found = state.nodes.get(uid);
  if (found === undefined) throw new Error(`no node ${uid}`);
  return found;
}

function resource(uid: string, endpoint: string): Resource {
  const found = node(uid).resources.get(endpoint);
  if (found === undefined) throw new Error(`no resource ${endpoint}`);
  return found;
}

const order = (): Order | null => resource("1", "led").order;

function press(payload = "1", id = "c1"): void {
  happen({ type: "pressed", id, uid: "1", endpoint: "led", payload });
}

beforeEach(() => {
  state = NOTHING;
  steady = 50;
});

describe("a broker of ours", () => {
  beforeEach(() => {
    happen({ type: "opened" });
    receive(welcome(), snapshot(held("1", { led: ["0", 4], temperature: ["20°C", 5], name: ["Tom", 3] })));
  });

  it("is known at once: nodes, values, clock and permissions", () => {
    expect(state.complete).toBe(true);
    expect(state.ahead).toBe(AHEAD);
    expect(state.permissions).toEqual(["view", "control"]);
    expect(node("1")).toMatchObject({ availability: "online", seen: 5, title: "Tom" });
    expect(resource("1", "temperature")).toMatchObject({ value: "20°C", time: 5 });
  });

  it("updates values, the newest last", () => {
    receive(update("1", "temperature", "21°C", 6), update("1", "/temperature", "22°C", 7));
    expect(resource("1", "temperature").value).toBe("22°C");
    expect(node("1").seen).toBe(7);
  });

  it("makes a node of the first news of it", () => {
    receive(update("2", "count", 5));
    expect(resource("2", "count")).toMatchObject({ value: 5, time: wall() + AHEAD });
    receive({ type: "new", uid: "3", availability: "late", seen: 9 });
    expect(node("3")).toMatchObject({ availability: "late", seen: 9, goneSince: null });
    expect(state.order).toEqual(["1", "2", "3"]);
  });

  it("lists nodes by name, unnamed ones last, and 10 after 9", () => {
    receive(update("a", "name", "Node 10"), update("b", "name", "node 9"), update("c", "x", 1), update("d", "name", "Ada"));
    expect(state.order).toEqual(["d", "b", "a", "1", "c"]);
    receive(update("c", "name", "Zoe"));
    expect(state.order.at(-1)).toBe("c");
  });

  it("keeps silent nodes, and what they said", () => {
    receive({ type: "availability", uid: "1", availability: "offline", seen: 4 });
    receive({ type: "availability", uid: "nobody", availability: "online", seen: 4 });
    pass(3600);
    expect(node("1")).toMatchObject({ availability: "offline", seen: 4, goneSince: null });
    expect(resource("1", "temperature").value).toBe("20°C");
    expect(state.nodes.has("nobody")).toBe(false);
  });

  it("keeps a node that left until somebody dismisses it", () => {
    receive({ type: "out", uid: "1" }, { type: "out", uid: "nobody" });
    expect(node("1").goneSince).toBe(steady);
    expect(state.roster.get("1")?.presence).toBe("gone");
    pass(100_000);
    expect(state.nodes.size).toBe(1);
    happen({ type: "forgotten", uids: ["1", "nobody"] });
    expect(state.nodes.size).toBe(0);
    expect(state.roster.size).toBe(0);
    expect(state.order).toEqual([]);
    receive(update("1", "temperature", "1°C"));
    expect([...node("1").resources.keys()]).toEqual(["temperature"]);
  });

  it("keeps only so many that left, those that left last", () => {
    const uids = Array.from({ length: MOST_GONE + 2 }, (_, index) => `n${index}`);
    receive(...uids.map((uid): ToPage => ({ type: "new", uid })));
    for (const uid of ["n7", "n3", "n5"]) {
      receive({ type: "out", uid });
      steady += 1;
    }
    receive(...uids.map((uid): ToPage => ({ type: "out", uid })));
    pass(1);
    expect(state.nodes.size).toBe(MOST_GONE + 1);
    expect(["n7", "n3", "n5"].filter((uid) => state.nodes.has(uid))).toEqual(["n5"]);
  });

  it("dismisses no node that is there", () => {
    const before = state;
    happen({ type: "forgotten", uids: ["1"] });
    expect(state).toBe(before);
  });

  describe("a node that was dismissed while it was offline", () => {
    beforeEach(() => {
      receive({ type: "availability", uid: "1", availability: "offline", seen: 4 });
      happen({ type: "forgotten", uids: ["1"] });
    });

    it("is out of sight, and stays so while it is silent", () => {
      expect([state.nodes.size, state.order, state.roster.size]).toEqual([0, [], 0]);
      receive({ type: "availability", uid: "1", availability: "offline", seen: 4 });
      receive(welcome(), snapshot({ ...held("1"), availability: "offline", seen: 4 }));
      pass(1);
      expect(state.nodes.size).toBe(0);
    });

    it.each<[string, ToPage]>([
      ["is heard", { type: "availability", uid: "1", availability: "online", seen: 99 }],
      ["speaks", update("1", "temperature", "21°C")],
      ["is announced", { type: "new", uid: "1" }],
    ])("comes back with all that was known when it %s", (_when, message) => {
      receive(message);
      expect(node("1").title).toBe("Tom");
      expect(resource("1", "led").value).toBe("0");
      expect(state.order).toEqual(["1"]);
      expect(state.aside.size).toBe(0);
    });

    it("comes back with a snapshot that has heard of it since", () => {
      receive(snapshot({ ...held("1", { led: ["1", 50] }), availability: "offline", seen: 50 }));
      expect(resource("1", "led").value).toBe("1");
    });

    it("is forgotten when it leaves, or is not named any more", () => {
      receive({ type: "out", uid: "1" });
      expect(state.aside.size).toBe(0);
      receive({ type: "new", uid: "2", availability: "offline" });
      happen({ type: "forgotten", uids: ["2"] });
      expect(state.aside.size).toBe(1);
      receive(snapshot());
      expect(state.aside.size).toBe(0);
    });
  });

  it("does not take a node that comes back for what it was", () => {
    receive({ type: "out", uid: "1" }, { type: "new", uid: "1" });
    expect(node("1")).toMatchObject({ goneSince: null, title: "Tom" });
    expect(resource("1", "temperature").value).toBeUndefined();
    receive({ type: "out", uid: "1" }, update("1", "temperature", "3°C"));
    expect(node("1").goneSince).toBeNull();
    expect(resource("1", "temperature")).toMatchObject({ value: "3°C" });
  });

  it("clears values on a reset, but not what the gateway knows, nor the name", () => {
    receive(update("1", "protocol", "CoAP"), { type: "reset", uid: "1" }, { type: "reset", uid: "nobody" });
    expect(resource("1", "temperature")).toMatchObject({ value: undefined });
    expect(resource("1", "protocol").value).toBe("CoAP");
    expect(node("1").title).toBe("Tom");
    receive(update("1", "temperature", "9°C"));
    pass(30);
    expect(resource("1", "temperature").value).toBe("9°C");
    expect(node("1").resources.has("led")).toBe(false);
    expect(node("1").resetSince).toBeNull();
  });

  it("takes the word that came last for the newest", () => {
    receive(...[6, 7, 8].map((time) => update("1", "temperature", `${time}°C`, time)));
    receive(update("1", "temperature", "1°C", 7));
    expect(resource("1", "temperature").value).toBe("1°C");
  });

  it("lists what nodes are, and touches that list only when it says something else", () => {
    expect(state.roster.get("1")).toEqual({ uid: "1", title: "Tom", name: "", presence: "online", protocol: "", board: "", os: "" });
    const { roster } = state;
    receive(update("1", "temperature", "21°C"), update("1", "led", "1"));
    expect(state.roster).toBe(roster);
    receive(update("1", "board", "samr21-xpro"), update("1", "os", "riot"), update("1", "protocol", "CoAP"));
    receive({ type: "availability", uid: "1", availability: "late", seen: 4 }, update("0", "name", "Ada"));
    expect([...state.roster.keys()]).toEqual(["0", "1"]);
    expect(state.roster.get("1")).toMatchObject({ presence: "late", protocol: "CoAP", board: "samr21-xpro", os: "riot" });
  });

  it("shares what did not change with the state before", () => {
    receive(update("2", "count", 1));
    const before = state;
    receive(update("2", "count", 2));
    expect(state.nodes.get("1")).toBe(before.nodes.get("1"));
    expect(state.order).toBe(before.order);
    expect(before.nodes.get("2")?.resources.get("count")?.value).toBe(1);
    happen({ type: "ticked" }, { type: "received", messages: [{ type: "error", code: "x" }] });
    const still = state;
    happen({ type: "ticked" });
    expect(state).toBe(still);
  });

  describe("after the connection was lost", () => {
    beforeEach(() => {
      receive(update("1", "temperature", "21°C", 6), { type: "new", uid: "2" });
      happen({ type: "lost" });
      steady += 30;
      happen({ type: "opened" });
    });

    it("is right again, doubles nothing, and keeps what was drawn", () => {
      receive(welcome(), snapshot(held("1", { temperature: ["23°C", 40], led: ["1", 40] }), held("3")));
      expect([...state.nodes.keys()].sort()).toEqual(["1", "2", "3"]);
      expect(node("2").goneSince).toBe(steady);
      expect(resource("1", "temperature").value).toBe("23°C");
      expect(node("1").resources.has("name")).toBe(false);
    });

    it("leaves what has not changed the same object", () => {
      const before = resource("1", "temperature");
      receive(welcome(), snapshot(held("1", { temperature: ["21°C", 6] }), held("2")));
      expect(resource("1", "temperature")).toBe(before);
    });

    it("waits for the last part before it misses anybody, and minds news in between", () => {
      receive(welcome(), { type: "snapshot", nodes: [held("1")], part: 0, last: false });
      receive({ type: "new", uid: "9" });
      expect(node("2").goneSince).toBeNull();
      expect(state.complete).toBe(false);
      receive({ type: "snapshot", nodes: [held("3")], part: 1, last: true });
      expect(node("2").goneSince).toBe(steady);
      expect(node("9").goneSince).toBeNull();
      expect(state.complete).toBe(true);
    });
  });

  describe("an order", () => {
    it("goes from pressed over sent to applied, and then rests", () => {
      press();
      expect(order()).toMatchObject({ phase: "pressed", payload: "1" });
      happen({ type: "sent", id: "c1" });
      expect(order()).toMatchObject({ phase: "sent" });
      expect(resource("1", "led").value).toBe("0");
      receive(update("1", "led", "1"), { type: "result", id: "c1", status: "applied" });
      expect(order()).toMatchObject({ phase: "applied" });
      expect(state.open.size).toBe(0);
      pass(2);
      expect(order()?.phase).toBe("applied");
      pass(1);
      expect(order()).toBeNull();
      expect(resource("1", "led").value).toBe("1");
    });

    it.each<[Status, string, string, Cause | null]>([
      ["failed", "no such LED", "failed", "failed"],
      ["failed", "", "failed", "failed"],
      ["timeout", "", "failed", "timeout"],
      ["denied", "", "failed", "denied"],
      ["unknown_node", "", "failed", "unknown_node"],
      ["queued", "", "queued", null],
    ])("that ends in %s (%j) is %s", (status, reason, phase, cause) => {
      press();
      happen({ type: "sent", id: "c1" });
      receive({ type: "result", id: "c1", status, reason });
      expect(order()).toMatchObject({ phase, reason, cause });
    });

    it("is not taken for applied because the value happens to be right", () => {
      press();
      happen({ type: "sent", id: "c1" });
      receive(update("1", "led", "1"));
      expect(order()?.phase).toBe("sent");
    });

    it("fails without a verdict, and a late success clears the failure", () => {
      press();
      happen({ type: "sent", id: "c1" });
      pass(14);
      expect(order()?.phase).toBe("sent");
      pass(1);
      expect(order()).toMatchObject({ phase: "failed", cause: "timeout" });
      receive(update("1", "led", "0"));
      expect(order()?.phase).toBe("failed");
      receive(update("1", "led", 1));
      expect(order()).toBeNull();
    });

    it("fails when it cannot be sent, and when the connection breaks", () => {
      press();
      happen({ type: "unsendable", id: "c1" });
      expect(order()).toMatchObject({ phase: "failed", cause: "unlinked" });
      press("1", "c2");
      happen({ type: "sent", id: "c2" }, { type: "lost" });
      expect(order()).toMatchObject({ phase: "failed", cause: "lost" });
      expect(state.open.size).toBe(0);
      happen({ type: "dismissed", uid: "1", endpoint: "led" });
      expect(order()).toBeNull();
    });

    it("outlives a snapshot and a reset", () => {
      press();
      receive(snapshot(held("1", { led: ["0", 9] })), { type: "reset", uid: "1" });
      expect(order()?.phase).toBe("pressed");
      pass(31);
      expect(order()?.phase).toBe("failed");
      expect(resource("1", "led").value).toBeUndefined();
    });

    it("is not moved by results of others", () => {
      press();
      receive({ type: "result", id: "else", status: "applied" });
      press("0", "c2");
      receive({ type: "result", id: "c1", status: "applied" });
      expect(order()).toMatchObject({ id: "c2", phase: "pressed" });
      expect([...state.open.keys()]).toEqual(["c2"]);
    });

    it("fails when the node leaves", () => {
      happen({ type: "pressed", id: "other", uid: "2", endpoint: "led", payload: "1" });
      press();
      receive({ type: "out", uid: "1" });
      expect(order()).toMatchObject({ phase: "failed", cause: "left" });
      expect([...state.open.keys()]).toEqual(["other"]);
      receive({ type: "result", id: "c1", status: "applied" });
      expect(order()?.phase).toBe("failed");
      happen({ type: "forgotten", uids: ["1"] });
      receive({ type: "result", id: "other", status: "applied" });
      expect([...state.nodes.keys()]).toEqual(["2"]);
      expect(state.open.size).toBe(0);
    });

    it("may name a resource that nobody has seen yet", () => {
      happen({ type: "pressed", id: "c1", uid: "1", endpoint: "robot", payload: "u" });
      expect(resource("1", "robot")).toMatchObject({ value: undefined, order: { phase: "pressed" } });
      happen({ type: "dismissed", uid: "1", endpoint: "nothing" });
      expect(node("1").resources.has("nothing")).toBe(false);
    });
  });
});

describe("a broker of the original", () => {
  beforeEach(() => {
    happen({ type: "opened" });
    receive({ type: "new", uid: "1", dst: "me" }, update("1", "led", "0"));
  });

  it("is taken to have said all after a while", () => {
    expect(state.complete).toBe(false);
    pass(5);
    expect(state.complete).toBe(true);
    expect(state.permissions).toBeNull();
    expect(resource("1", "led").time).toBe(1_000_050);
  });

  it("says that an order was obeyed by the next value", () => {
    press();
    happen({ type: "sent", id: "c1" });
    receive(update("1", "led", "0"));
    expect(order()?.phase).toBe("sent");
    receive(update("1", "led", "1"));
    expect(order()?.phase).toBe("applied");
  });

  it("confirms texts as well", () => {
    happen({ type: "pressed", id: "c1", uid: "1", endpoint: "text", payload: "hi" });
    receive(update("1", "text", "ho"), update("1", "text", "hi"));
    expect(resource("1", "text").order?.phase).toBe("applied");
  });

  it("takes no offence at the spaces around a value", () => {
    happen({ type: "pressed", id: "c1", uid: "1", endpoint: "ribot", payload: "0:0:0\n" });
    receive(update("1", "ribot", "0:0:0"));
    expect(resource("1", "ribot").order?.phase).toBe("applied");
  });

  it("has nobody wait for an order that a newer one took the place of", () => {
    for (const id of ["c1", "c2", "c3"]) happen({ type: "pressed", id, uid: "1", endpoint: "ribot", payload: "1:2:3\n" });
    expect([...state.open.keys()]).toEqual(["c3"]);
  });

  it("leaves it to the page to lose patience", () => {
    press();
    happen({ type: "sent", id: "c1" });
    pass(9);
    expect(order()?.phase).toBe("sent");
    pass(1);
    expect(order()).toMatchObject({ phase: "failed", cause: "timeout" });
  });

  it("announces a node again and again without harm", () => {
    receive({ type: "new", uid: "1", dst: "all" });
    expect(resource("1", "led").value).toBe("0");
    expect(state.nodes.size).toBe(1);
  });

  it("does not say who left while nobody listened", () => {
    receive({ type: "new", uid: "2" });
    pass(10);
    happen({ type: "lost" }, { type: "opened" });
    receive({ type: "new", uid: "2" }, update("2", "led", "1"));
    expect(node("1").goneSince).toBeNull();
    pass(5);
    expect(node("1").goneSince).toBe(steady);
    expect(node("2").goneSince).toBeNull();
  });
});

describe("a name that people gave", () => {
  it("comes with the snapshot, changes, and is taken away", () => {
    receive(welcome(), snapshot({ ...held("1"), name: "Attic" }, held("2", { name: ["Cellar", 5] })));
    expect([node("1").name, state.roster.get("1")?.name, node("2").name]).toEqual(["Attic", "Attic", ""]);
    expect(state.order).toEqual(["1", "2"]);
    receive({ type: "named", uid: "1", name: "Den" });
    expect([state.roster.get("1")?.name, state.order]).toEqual(["Den", ["2", "1"]]);
    receive({ type: "named", uid: "1" }, { type: "named", uid: "unheard", name: "Nobody" });
    expect([node("1").name, state.nodes.has("unheard")]).toEqual(["", false]);
    const before = state;
    receive({ type: "named", uid: "1", name: "" });
    expect([state.roster, state.order]).toEqual([before.roster, before.order]);
  });
});

it("forgets all that was known when somebody else sits before the page", () => {
  receive(welcome(), snapshot(held("1", { led: ["0", 5] }), { ...held("2"), availability: "offline" }));
  happen({ type: "forgotten", uids: ["2"] });
  happen({ type: "pressed", id: "o", uid: "1", endpoint: "led", payload: "1" });
  expect([state.nodes.size, state.aside.size, state.open.size]).toEqual([1, 1, 1]);
  happen({ type: "cleared" });
  expect([state.nodes.size, state.aside.size, state.open.size, state.order]).toEqual([0, 0, 0, []]);
  expect([state.complete, state.permissions]).toEqual([false, null]);
});

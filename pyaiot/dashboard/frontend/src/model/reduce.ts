// SPDX-License-Identifier: BSD-3-Clause
import type { Json, NodeState, Result, Snapshot, ToPage } from "../wire/messages";
import { Draft, ownWord } from "./draft";
import { presenceOf, type Cause, type Moment, type Phase, type Resource, type State } from "./state";
import { isOn, textOf } from "./value";

/** What can happen to the page. */
export type Happening =
  | { readonly type: "received"; readonly messages: readonly ToPage[] }
  | { readonly type: "opened" }
  | { readonly type: "lost" }
  | {
      readonly type: "pressed";
      readonly id: string;
      readonly uid: string;
      readonly endpoint: string;
      readonly payload: string;
    }
  | { readonly type: "sent"; readonly id: string }
  | { readonly type: "unsendable"; readonly id: string }
  | { readonly type: "dismissed"; readonly uid: string; readonly endpoint: string }
  | { readonly type: "forgotten"; readonly uids: readonly string[] }
  /** Nothing that was known is to be seen any more. */
  | { readonly type: "cleared" }
  | { readonly type: "ticked" };

/** How long the node may take to obey, in seconds; the broker is told. */
export const COMMAND_TIMEOUT = 10;
/** How much longer than that the page waits for the broker's own verdict. */
const VERDICT_GRACE = 5;
/** How long a success stays in sight. */
const APPLIED_SHOWN = 2.5;
/** Nodes that left which stay in sight until somebody dismisses them; of more the oldest are dropped. */
export const MOST_GONE = 2_000;
/** How long after a reset a resource may take to speak again before it is taken for gone. */
const RESET_PATIENCE = 30;
/** How long a broker of the original may take to repeat all that it knows. */
const ROLL_CALL = 5;

/** Resources that outlive a reset: the gateway says them, not the node. */
const IDENTITY: ReadonlySet<string> = new Set(["id", "ip", "protocol"]);

/** The state after all this happened. Pure: time comes in, nothing goes out. */
export function reduce(state: State, happenings: readonly Happening[], now: Moment): State {
  const draft = new Draft(state, now);
  for (const happening of happenings) apply(draft, happening);
  return draft.done();
}

function apply(draft: Draft, happening: Happening): void {
  switch (happening.type) {
    case "received":
      for (const message of happening.messages) receive(draft, message);
      break;
    case "opened":
      draft.set({
        roll: draft.current.roll + 1,
        rollEnds: draft.now.steady + ROLL_CALL,
        complete: false,
        permissions: null,
      });
      break;
    case "lost":
      draft.set({ rollEnds: null });
      for (const id of draft.current.open.keys()) {
        fail(draft, id, "lost");
      }
      break;
    case "pressed":
      overtake(draft, happening.uid, happening.endpoint);
      draft.openOrder(happening.id, happening.uid, happening.endpoint);
      draft.order(happening.uid, happening.endpoint, {
        id: happening.id,
        payload: happening.payload,
        phase: "pressed",
        reason: "",
        cause: null,
        since: draft.now.steady,
      });
      break;
    case "sent":
      settle(draft, happening.id, "sent");
      break;
    case "unsendable":
      fail(draft, happening.id, "unlinked");
      break;
    case "dismissed":
      draft.order(happening.uid, happening.endpoint, null);
      break;
    case "forgotten":
      for (const uid of happening.uids) dismiss(draft, uid);
      break;
    case "cleared":
      clear(draft);
      break;
    case "ticked":
      tick(draft);
      break;
  }
}

function clear(draft: Draft): void {
  for (const id of draft.current.open.keys()) draft.closeOrder(id);
  for (const uid of [...draft.current.nodes.keys(), ...draft.current.aside.keys()]) draft.remove(uid);
  draft.set({ complete: false, permissions: null, rollEnds: null });
}

/** A newer order takes the place of the one before: how that one ends is of no interest any more. */
function overtake(draft: Draft, uid: string, endpoint: string): void {
  const older = draft.has(uid) ? draft.node(uid).resources.get(endpoint)?.order : null;
  if (older) draft.closeOrder(older.id);
}

function receive(draft: Draft, message: ToPage): void {
  switch (message.type) {
    case "welcome":
      draft.set({
        ahead: message.time - draft.now.wall,
        permissions: message.permissions,
        rollEnds: null,
      });
      break;
    case "snapshot":
      snapshot(draft, message);
      break;
    case "new":
      announced(draft, message.uid);
      Object.assign(draft.node(message.uid), {
        availability: message.availability ?? "online",
        seen: message.seen ?? draft.wall,
      });
      break;
    case "update":
      update(draft, message.uid, message.endpoint, message.data, message.time ?? draft.wall);
      break;
    case "availability":
      if (!draft.has(message.uid)) break;
      if (message.availability === "offline" && draft.current.aside.has(message.uid)) break;
      Object.assign(draft.node(message.uid), {
        availability: message.availability,
        seen: message.seen,
      });
      break;
    case "reset":
      if (draft.has(message.uid)) forget(draft, message.uid);
      break;
    case "out":
      if (draft.has(message.uid)) left(draft, message.uid);
      break;
    case "result":
      judge(draft, message);
      break;
    case "named":
      if (draft.has(message.uid)) draft.call(draft.node(message.uid), message.name ?? "");
      break;
    case "alert":
      // Alerts are kept apart from the nodes.
      break;
    case "error":
      // It concerns this page's own frames; where it matters the connection ends with a reason.
      break;
  }
}

/** A node is there (again). One that had left may be another than it was. */
function announced(draft: Draft, uid: string): void {
  if (draft.has(uid) && draft.node(uid).goneSince !== null) forget(draft, uid);
  const node = draft.node(uid);
  node.goneSince = null;
  node.roll = draft.current.roll;
}

function left(draft: Draft, uid: string): void {
  if (draft.current.aside.has(uid)) {
    draft.remove(uid);
    return;
  }
  draft.node(uid).goneSince ??= draft.now.steady;
  for (const [id, target] of draft.current.open) {
    if (target.uid === uid) fail(draft, id, "left");
  }
}

/** Somebody has seen enough of a node that left or fell silent. */
function dismiss(draft: Draft, uid: string): void {
  const node = draft.current.nodes.get(uid);
  if (node === undefined) return;
  const presence = presenceOf(node);
  if (presence === "gone") draft.remove(uid);
  else if (presence === "offline") draft.putAside(uid);
}

/** What the node said no longer holds; its rows stay in place for a while, without values. */
function forget(draft: Draft, uid: string): void {
  const node = draft.node(uid);
  for (const [endpoint, resource] of node.resources) {
    if (IDENTITY.has(endpoint)) continue;
    node.resources.set(endpoint, { ...resource, value: undefined });
  }
  node.resetSince = draft.now.steady;
}

function update(draft: Draft, uid: string, endpoint: string, value: Json, time: number): void {
  const name = endpoint.replace(/^\//, "");
  if (draft.node(uid).goneSince !== null) announced(draft, uid);
  const node = draft.node(uid);
  const before = node.resources.get(name);
  const resource = spoken(name, value, time, before);
  node.resources.set(name, resource);
  node.roll = draft.current.roll;
  node.seen = Math.max(node.seen, time);
  if (name === "name") draft.rename(node, ownWord(resource));
  confirm(draft, uid, resource);
}

/** The resource once its node has said `value`. */
function spoken(endpoint: string, value: Json, time: number, before: Resource | undefined): Resource {
  return { endpoint, value, time, order: before?.order ?? null };
}

/** An update may be the answer to an order: the only one that the original gives. */
function confirm(draft: Draft, uid: string, { endpoint, value, order }: Resource): void {
  if (order === null || !agrees(value, order.payload)) return;
  if (order.phase === "failed") draft.order(uid, endpoint, null);
  else if (draft.current.permissions === null) settle(draft, order.id, "applied");
}

function agrees(value: Json | undefined, payload: string): boolean {
  const on = isOn(value);
  return on === null ? textOf(value).trim() === payload.trim() : on === isOn(payload);
}

function judge(draft: Draft, { id, status, reason }: Result): void {
  if (status === "applied" || status === "queued") settle(draft, id, status);
  else fail(draft, id, status, reason);
}

function fail(draft: Draft, id: string, cause: Cause, reason = ""): void {
  settle(draft, id, "failed", cause, reason);
}

/** An open order enters a phase; with a final one it is open no more. */
function settle(draft: Draft, id: string, phase: Phase, cause: Cause | null = null, reason = ""): void {
  const target = draft.current.open.get(id);
  if (target === undefined) return;
  const { uid, endpoint } = target;
  if (phase === "applied" || phase === "failed") draft.closeOrder(id);
  const order = draft.current.nodes.get(uid)?.resources.get(endpoint)?.order;
  if (order?.id !== id) return;
  draft.order(uid, endpoint, { ...order, phase, reason, cause, since: draft.now.steady });
}

function snapshot(draft: Draft, { nodes, part = 0, last = true }: Snapshot): void {
  if (part === 0) draft.set({ roll: draft.current.roll + 1, rollEnds: null });
  for (const node of nodes) restore(draft, node);
  if (!last) return;
  endRoll(draft);
}

/** A node as the broker holds it. What the page ordered meanwhile stays. */
function restore(draft: Draft, { uid, availability, seen, resources, name = "" }: NodeState): void {
  if (availability === "offline" && draft.current.aside.get(uid)?.seen === seen) {
    draft.nameAside(uid);
    return;
  }
  const node = draft.node(uid);
  const before = new Map(node.resources);
  node.resources.clear();
  for (const [endpoint, [value, time]] of Object.entries(resources)) {
    const known = before.get(endpoint);
    const repeated = known?.time === time && textOf(known.value) === textOf(value);
    node.resources.set(endpoint, repeated ? known : spoken(endpoint, value, time, known));
  }
  Object.assign(node, { availability, seen, goneSince: null, resetSince: null });
  node.roll = draft.current.roll;
  draft.rename(node, ownWord(node.resources.get("name")) || node.title);
  draft.call(node, name);
}

/** Everybody has been named who is there. */
function endRoll(draft: Draft): void {
  const { nodes, roll } = draft.current;
  for (const { uid, roll: named, goneSince } of nodes.values()) {
    if (named < roll && goneSince === null) draft.node(uid).goneSince = draft.now.steady;
  }
  for (const { uid, roll: named } of draft.current.aside.values()) {
    if (named < roll) draft.remove(uid);
  }
  draft.set({ complete: true, rollEnds: null });
}

function tick(draft: Draft): void {
  const { steady } = draft.now;
  const { rollEnds, permissions } = draft.current;
  if (rollEnds !== null && steady >= rollEnds) endRoll(draft);
  // The original never says how an order ended: it is for the page to lose patience.
  const patience = permissions === null ? COMMAND_TIMEOUT : COMMAND_TIMEOUT + VERDICT_GRACE;
  const gone: { readonly uid: string; readonly since: number }[] = [];
  for (const { uid, goneSince, resetSince, resources } of draft.current.nodes.values()) {
    if (goneSince !== null) gone.push({ uid, since: goneSince });
    if (resetSince !== null && steady - resetSince >= RESET_PATIENCE) sweep(draft, uid);
    for (const { endpoint, order } of resources.values()) {
      if (order === null || order.phase === "failed") continue;
      const age = steady - order.since;
      if (order.phase === "applied") {
        if (age >= APPLIED_SHOWN) draft.order(uid, endpoint, null);
      } else if (age >= patience) fail(draft, order.id, "timeout");
    }
  }
  if (gone.length <= MOST_GONE) return;
  gone.sort((a, b) => a.since - b.since);
  for (const { uid } of gone.slice(0, gone.length - MOST_GONE)) draft.remove(uid);
}

/** Forget the resources that did not come back after a reset. */
function sweep(draft: Draft, uid: string): void {
  const node = draft.node(uid);
  node.resetSince = null;
  for (const [endpoint, { value, order }] of node.resources) {
    if (value === undefined && order === null) node.resources.delete(endpoint);
  }
}

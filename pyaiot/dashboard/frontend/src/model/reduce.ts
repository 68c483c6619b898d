// SPDX-License-Identifier: BSD-3-Clause
import type { Json, NodeState, Result, Snapshot, Status, ToPage } from "../wire/messages";
import { Draft, titleOf } from "./draft";
import type { Moment, Phase, Point, Resource, State } from "./state";
import { isLit, quantityOf, textOf } from "./value";

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
  | { readonly type: "ticked" };

/** How long the node may take to obey, in seconds; the broker is told. */
export const COMMAND_TIMEOUT = 10;
/** How much longer than that the page waits for the broker's own verdict. */
const VERDICT_GRACE = 5;
/** How long a success stays in sight. */
const APPLIED_SHOWN = 2.5;
/** How long a node that left stays in sight. */
export const GONE_SHOWN = 20;
/** How long after a reset a resource may take to speak again before it is taken for gone. */
const RESET_PATIENCE = 30;
/** How long a broker of the original may take to repeat all that it knows. */
const ROLL_CALL = 5;
/** Numbers kept of a resource. */
export const MAX_POINTS = 120;

/** Resources that outlive a reset: the gateway says them, not the node. */
const IDENTITY: ReadonlySet<string> = new Set(["id", "ip", "protocol"]);

const REASONS: Readonly<Record<Status, string>> = {
  applied: "",
  queued: "",
  failed: "The node did not accept it.",
  timeout: `The node did not answer within ${COMMAND_TIMEOUT} s.`,
  denied: "You may look, but not control.",
  unknown_node: "No gateway knows this node any more.",
};

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
        settle(draft, id, "failed", "The connection was lost before the answer came.");
      }
      break;
    case "pressed":
      draft.openOrder(happening.id, happening.uid, happening.endpoint);
      draft.order(happening.uid, happening.endpoint, {
        id: happening.id,
        payload: happening.payload,
        phase: "pressed",
        reason: "",
        since: draft.now.steady,
      });
      break;
    case "sent":
      settle(draft, happening.id, "sent", "");
      break;
    case "unsendable":
      settle(draft, happening.id, "failed", "There is no connection to the broker.");
      break;
    case "dismissed":
      draft.order(happening.uid, happening.endpoint, null);
      break;
    case "ticked":
      tick(draft);
      break;
  }
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
  draft.node(uid).goneSince ??= draft.now.steady;
  for (const [id, target] of draft.current.open) {
    if (target.uid === uid) settle(draft, id, "failed", "The node left before it answered.");
  }
}

/** What the node said no longer holds; its rows stay in place for a while, without values. */
function forget(draft: Draft, uid: string): void {
  const node = draft.node(uid);
  for (const [endpoint, resource] of node.resources) {
    if (IDENTITY.has(endpoint)) continue;
    node.resources.set(endpoint, { ...resource, value: undefined, points: [] });
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
  if (name === "name") draft.rename(node, titleOf(resource));
  confirm(draft, uid, resource);
}

/** The resource once its node has said `value`. */
function spoken(
  endpoint: string,
  value: Json,
  time: number,
  before: Resource | undefined,
): Resource {
  const points = drawn(value, time, before);
  return { endpoint, value, time, points, order: before?.order ?? null };
}

function drawn(value: Json, time: number, before: Resource | undefined): readonly Point[] {
  const quantity = quantityOf(value);
  if (quantity === null || !Number.isFinite(quantity.number)) return [];
  const point = { time, number: quantity.number };
  if (before === undefined) return [point];
  const unit = quantityOf(before.value)?.unit;
  if (unit !== undefined && unit !== quantity.unit) return [point];
  // The newest word counts. Where it is older than what was drawn (a gateway sends what it kept, or
  // a clock was set), what was drawn after it is about to be said again.
  const { points } = before;
  const last = points.at(-1);
  const kept = last !== undefined && last.time >= time ? points.filter((each) => each.time < time) : points;
  return [...kept.slice(-(MAX_POINTS - 1)), point];
}

/** An update may be the answer to an order: the only one that the original gives. */
function confirm(draft: Draft, uid: string, { endpoint, value, order }: Resource): void {
  if (order === null || !agrees(value, order.payload)) return;
  if (order.phase === "failed") draft.order(uid, endpoint, null);
  else if (draft.current.permissions === null) settle(draft, order.id, "applied", "");
}

function agrees(value: Json | undefined, payload: string): boolean {
  const lit = isLit(value);
  return lit === null ? textOf(value) === payload : lit === isLit(payload);
}

function judge(draft: Draft, { id, status, reason }: Result): void {
  const phase = status === "applied" || status === "queued" ? status : "failed";
  const words = reason === undefined || reason === "" ? REASONS[status] : reason;
  settle(draft, id, phase, phase === "failed" ? words : "");
}

/** An open order enters a phase; with a final one it is open no more. */
function settle(draft: Draft, id: string, phase: Phase, reason: string): void {
  const target = draft.current.open.get(id);
  if (target === undefined) return;
  const { uid, endpoint } = target;
  if (phase === "applied" || phase === "failed") draft.closeOrder(id);
  const order = draft.has(uid) ? draft.node(uid).resources.get(endpoint)?.order : undefined;
  if (order?.id !== id) return;
  draft.order(uid, endpoint, { ...order, phase, reason, since: draft.now.steady });
}

function snapshot(draft: Draft, { nodes, part = 0, last = true }: Snapshot): void {
  if (part === 0) draft.set({ roll: draft.current.roll + 1, rollEnds: null });
  for (const node of nodes) restore(draft, node);
  if (!last) return;
  endRoll(draft);
}

/** A node as the broker holds it. What the page drew and ordered meanwhile stays. */
function restore(draft: Draft, { uid, availability, seen, resources }: NodeState): void {
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
  draft.rename(node, titleOf(node.resources.get("name")) || node.title);
}

/** Everybody has been named who is there. */
function endRoll(draft: Draft): void {
  const { nodes, roll } = draft.current;
  for (const { uid, roll: named, goneSince } of nodes.values()) {
    if (named < roll && goneSince === null) draft.node(uid).goneSince = draft.now.steady;
  }
  draft.set({ complete: true, rollEnds: null });
}

function tick(draft: Draft): void {
  const { steady } = draft.now;
  const { rollEnds, permissions } = draft.current;
  if (rollEnds !== null && steady >= rollEnds) endRoll(draft);
  // The original never says how an order ended: it is for the page to lose patience.
  const patience = permissions === null ? COMMAND_TIMEOUT : COMMAND_TIMEOUT + VERDICT_GRACE;
  for (const { uid, goneSince, resetSince, resources } of draft.current.nodes.values()) {
    if (goneSince !== null && steady - goneSince >= GONE_SHOWN) {
      draft.remove(uid);
      continue;
    }
    if (resetSince !== null && steady - resetSince >= RESET_PATIENCE) sweep(draft, uid);
    for (const { endpoint, order } of resources.values()) {
      if (order === null || order.phase === "failed") continue;
      const age = steady - order.since;
      if (order.phase === "applied") {
        if (age >= APPLIED_SHOWN) draft.order(uid, endpoint, null);
      } else if (age >= patience) settle(draft, order.id, "failed", REASONS.timeout);
    }
  }
}

/** Forget the resources that did not come back after a reset. */
function sweep(draft: Draft, uid: string): void {
  const node = draft.node(uid);
  node.resetSince = null;
  for (const [endpoint, { value, order }] of node.resources) {
    if (value === undefined && order === null) node.resources.delete(endpoint);
  }
}

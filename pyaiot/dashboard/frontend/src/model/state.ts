// SPDX-License-Identifier: BSD-3-Clause
import type { Availability, Json, Permission, Status } from "../wire/messages";

/** A point in time on two clocks, in seconds: the time of day, and one that never jumps. */
export interface Moment {
  readonly wall: number;
  readonly steady: number;
}

/**
 * How far an order to set a resource has come.
 *
 * `pressed`: somebody asked for it. `sent`: it left the page. `queued`: the broker keeps it until
 * the node wakes. `applied`: the node confirmed it. `failed`: it did not come true.
 */
export type Phase = "pressed" | "sent" | "queued" | "applied" | "failed";

/** Why an order failed, where nobody gave a reason in words. */
export type Cause = Exclude<Status, "applied" | "queued"> | "unlinked" | "lost" | "left";

export interface Order {
  readonly id: string;
  readonly payload: string;
  readonly phase: Phase;
  /** Why it failed, in the words of whoever refused it; empty where there are none. */
  readonly reason: string;
  /** The same in short; null unless it failed. */
  readonly cause: Cause | null;
  /** When it reached this phase, on the steady clock. */
  readonly since: number;
}

export interface Resource {
  readonly endpoint: string;
  /** `undefined` while nothing is known: after a reset, or when only an order named the resource. */
  readonly value: Json | undefined;
  /** When the value was measured, in seconds since the epoch by the broker's clock. */
  readonly time: number;
  readonly order: Order | null;
}

export interface Node {
  readonly uid: string;
  /** What it last called itself, which a reset does not take away; empty if it never did. */
  readonly title: string;
  /** What people call it, by the server's records; empty where they have no name for it. */
  readonly name: string;
  readonly availability: Availability;
  /** When the node was last heard, in seconds since the epoch by the broker's clock. */
  readonly seen: number;
  readonly resources: ReadonlyMap<string, Resource>;
  /** When it left for good, on the steady clock; null while it is there. */
  readonly goneSince: number | null;
  /** When it rebooted and became silent, on the steady clock; null when it has spoken since. */
  readonly resetSince: number | null;
  /** The roll call in which the node was last named; see `State.roll`. */
  readonly roll: number;
}

/** Whether a node is there; `gone` is one that left, and stays in sight until it is dismissed. */
export type Presence = Availability | "gone";

/** What lists need to know of a node. Values that nodes measure leave it the same object. */
export interface Entry {
  readonly uid: string;
  /** What it calls itself; empty if it never did. */
  readonly title: string;
  /** What people call it, by the server's records; empty where they have no name for it. */
  readonly name: string;
  readonly presence: Presence;
  readonly protocol: string;
  readonly board: string;
  readonly os: string;
}

export interface State {
  readonly nodes: ReadonlyMap<string, Node>;
  /** The uids of all nodes, as they are to be listed: by what they are called. */
  readonly order: readonly string[];
  /** The same with what lists need to know; the same object until any of that changes. */
  readonly roster: ReadonlyMap<string, Entry>;
  /** Nodes that were dismissed while they were offline. They come back with the next news of them. */
  readonly aside: ReadonlyMap<string, Node>;
  /** Broker's clock minus this machine's, in seconds. */
  readonly ahead: number;
  /** What the page may do; null with a broker that does not say (the original). */
  readonly permissions: readonly Permission[] | null;
  /**
   * Counts connections and snapshots. Each is a roll call: nodes that are not named in it are
   * gone, though nobody said so while the page was not listening.
   */
  readonly roll: number;
  /** When the roll call ends for want of news, on the steady clock; null when it is over. */
  readonly rollEnds: number | null;
  /** Whether all nodes that the broker knows are known here. */
  readonly complete: boolean;
  /** Orders without a result yet, by their id. */
  readonly open: ReadonlyMap<string, { readonly uid: string; readonly endpoint: string }>;
}

export const NOTHING: State = {
  nodes: new Map(),
  order: [],
  roster: new Map(),
  aside: new Map(),
  ahead: 0,
  permissions: null,
  roll: 0,
  rollEnds: null,
  complete: false,
  open: new Map(),
};

export function presenceOf({ goneSince, availability }: Pick<Node, "goneSince" | "availability">): Presence {
  return goneSince === null ? availability : "gone";
}

// SPDX-License-Identifier: BSD-3-Clause
// Made by `python -m pyaiot.dashboard.wiretypes` from pyaiot/messages/types.py. Do not edit.

/** Whatever JSON can say. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** What a decoded value must look like; a name that ends in `?` may be missing. */
export type Shape =
  | "any"
  | "string"
  | "number"
  | "boolean"
  | { readonly oneOf: readonly string[] }
  | { readonly listOf: Shape }
  | { readonly mapOf: Shape }
  | { readonly tuple: readonly Shape[] }
  | { readonly object: { readonly [name: string]: Shape } };

export const WIRE_VERSION = 1;

/** What a peer may ask for when it connects, beyond the original's protocol. */
export const FEATURES = ["snapshot", "batch", "availability", "result", "signed", "names", "alerts", "devices", "stored", "recorder", "directory"] as const;
export type Feature = (typeof FEATURES)[number];

/** Whether a node is there, as far as its gateway can tell. */
export const AVAILABILITIES = ["online", "late", "offline"] as const;
export type Availability = (typeof AVAILABILITIES)[number];

/** What a peer may do; each word allows more than the one before. */
export const PERMISSIONS = ["view", "control", "script"] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** How a command ended; `QUEUED` alone is followed by another result. */
export const STATUSES = ["applied", "failed", "timeout", "denied", "unknown_node", "queued"] as const;
export type Status = (typeof STATUSES)[number];

/** How bad it is. */
export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What became of an alert. */
export const ALERTSTATES = ["raised", "acknowledged", "cleared"] as const;
export type AlertState = (typeof ALERTSTATES)[number];

/** What it is about. */
export const CONDITIONS = ["above", "below", "outside", "equals", "rate", "silent", "offline"] as const;
export type Condition = (typeof CONDITIONS)[number];

/** A node is there. Gateway to broker to clients. */
export interface New {
  readonly type: "new";
  readonly uid: string;
  readonly dst?: string;
  readonly availability?: Availability;
  readonly seen?: number;
}

/** A resource of a node has this value. Gateway to broker to clients. */
export interface Update {
  readonly type: "update";
  readonly uid: string;
  readonly endpoint: string;
  readonly data: Json;
  readonly dst?: string;
  readonly time?: number;
}

/** A node rebooted: what it said before no longer holds. Gateway to broker to clients. */
export interface Reset {
  readonly type: "reset";
  readonly uid: string;
}

/** A node is gone. Gateway to broker to clients. */
export interface Out {
  readonly type: "out";
  readonly uid: string;
}

/** A node is online, late or offline. Gateway to broker to clients that asked for it. */
export interface AvailabilityChanged {
  readonly type: "availability";
  readonly uid: string;
  readonly availability: Availability;
  readonly seen: number;
}

/** The broker's first message to a client that asked for `Feature.SNAPSHOT`. */
export interface Welcome {
  readonly type: "welcome";
  readonly client: string;
  readonly version: string;
  readonly wire: number;
  readonly permissions: readonly Permission[];
  readonly time: number;
}

/** One node in a snapshot; each resource is a pair of its value and the time of that value. */
export interface NodeState {
  readonly uid: string;
  readonly availability: Availability;
  readonly seen: number;
  readonly resources: { readonly [name: string]: readonly [Json, number] };
  readonly name?: string;
}

/** A part of the state of all nodes. Part 0 replaces what the client knew. */
export interface Snapshot {
  readonly type: "snapshot";
  readonly nodes: readonly NodeState[];
  readonly part?: number;
  readonly last?: boolean;
}

/** How a command ended. Gateway to broker to the asking client. */
export interface Result {
  readonly type: "result";
  readonly id: string;
  readonly status: Status;
  readonly reason?: string;
}

/** The peer's last frame was refused, or its connection is about to end; see `errors`. */
export interface Failure {
  readonly type: "error";
  readonly code: string;
  readonly reason?: string;
}

/**
 * What people call a node, or what they may do with it, has changed. Broker to clients.
 *
 * An empty name: the node goes by its own. Who wants to know more asks the REST API.
 */
export interface Named {
  readonly type: "named";
  readonly uid: string;
  readonly name?: string;
}

/** What is wrong, for those who say it in words of their own: as the rule had it then. */
export interface Finding {
  readonly condition: Condition;
  readonly value?: string;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly seconds?: number;
  readonly path?: string;
}

/** Something is out of bounds, or no longer. Recorder or directory to broker to clients. */
export interface Alert {
  readonly type: "alert";
  readonly id: string;
  readonly rule: string;
  readonly uid: string;
  readonly endpoint: string;
  readonly severity: Severity;
  readonly state: AlertState;
  readonly time: number;
  readonly text: string;
  readonly to?: readonly string[];
  readonly finding?: Finding;
}

/** A client asks for everything; `features` says what it understands beyond the original. */
export interface Hello {
  readonly type: "new";
  readonly data?: Json;
  readonly features?: readonly string[];
}

/** The resource to set, and to what: exactly these three members (WIRE.md section 3.1). */
export interface Target {
  readonly uid: string;
  readonly endpoint: string;
  readonly payload: string | number | boolean;
}

/** A client sets a resource of a node. With an `id` it gets exactly one final `Result`. */
export interface Command {
  readonly type: "update";
  readonly data: Target;
  readonly id?: string;
  readonly timeout?: number;
}

/** A client that came with an account's token has a newer one, of the same account. */
export interface Renew {
  readonly type: "renew";
  readonly token: string;
}

/** What a broker sends to the page. */
export type ToPage = New | Update | Reset | Out | AvailabilityChanged | Welcome | Snapshot | Result | Failure | Named | Alert;

/** What the page sends to a broker. */
export type FromPage = Hello | Command | Renew;

/** The shape of each message that a broker sends, by its type. */
export const SHAPES: { readonly [type in ToPage["type"]]: Shape } = {
  new: { object: { uid: "string", "dst?": "string", "availability?": { oneOf: AVAILABILITIES }, "seen?": "number" } },
  update: { object: { uid: "string", endpoint: "string", data: "any", "dst?": "string", "time?": "number" } },
  reset: { object: { uid: "string" } },
  out: { object: { uid: "string" } },
  availability: { object: { uid: "string", availability: { oneOf: AVAILABILITIES }, seen: "number" } },
  welcome: { object: { client: "string", version: "string", wire: "number", permissions: { listOf: { oneOf: PERMISSIONS } }, time: "number" } },
  snapshot: { object: { nodes: { listOf: { object: { uid: "string", availability: { oneOf: AVAILABILITIES }, seen: "number", resources: { mapOf: { tuple: ["any", "number"] } }, "name?": "string" } } }, "part?": "number", "last?": "boolean" } },
  result: { object: { id: "string", status: { oneOf: STATUSES }, "reason?": "string" } },
  error: { object: { code: "string", "reason?": "string" } },
  named: { object: { uid: "string", "name?": "string" } },
  alert: { object: { id: "string", rule: "string", uid: "string", endpoint: "string", severity: { oneOf: SEVERITIES }, state: { oneOf: ALERTSTATES }, time: "number", text: "string", "to?": { listOf: "string" }, "finding?": { object: { condition: { oneOf: CONDITIONS }, "value?": "string", "low?": "any", "high?": "any", "seconds?": "number", "path?": "string" } } } },
};

// SPDX-License-Identifier: BSD-3-Clause
// Made by `python -m pyaiot.dashboard.apitypes` from pyaiot/dashboard/api/forms.py. Do not edit.

import type { AlertState, Availability, Condition, Finding, Json, Permission, Severity, Status } from "../wire/messages";

/** What somebody with an account is; each word allows more than the one before. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Some of many. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Paging {
  readonly limit?: number;
  readonly cursor?: string | null;
}

/** What went wrong (RFC 9457). */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly type?: string;
}

export interface Login {
  readonly name: string;
  readonly password: string;
}

/** The first account, by the link that the first start shows. */
export interface Setup {
  readonly token: string;
  readonly name: string;
  readonly password: string;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly created: number;
  readonly seen: number | null;
}

/** Who asks, and what may be done here. */
export interface Session {
  readonly user: User | null;
  readonly anonymous: readonly Permission[];
  readonly accounts: boolean;
  readonly expires: number | null;
}

/** Lets into the broker's websocket. */
export interface Ticket {
  readonly token: string;
  readonly expires: number;
}

export interface PasswordChange {
  readonly old: string;
  readonly new: string;
}

export interface OpenSession {
  readonly id: string;
  readonly created: number;
  readonly used: number;
  readonly agent: string;
  readonly address: string;
  readonly current: boolean;
}

export interface AccountChange {
  readonly name: string;
}

export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly role?: Role;
}

export interface UserChange {
  readonly name?: string;
  readonly role?: Role;
  readonly password?: string;
}

export interface NamesWanted {
  readonly q?: string;
}

export interface Location {
  readonly lat?: number | null;
  readonly lng?: number | null;
  readonly place?: string;
}

export interface Share {
  readonly user: string;
  readonly level: Permission;
}

export interface Node {
  readonly uid: string;
  readonly name: string;
  readonly title: string;
  readonly owner: string | null;
  readonly mine: boolean;
  readonly permissions: readonly Permission[];
  readonly availability: Availability | null;
  readonly first_seen: number | null;
  readonly last_seen: number | null;
  readonly protocol: string;
  readonly public: Permission | null;
  readonly location: Location | null;
  readonly kind: string;
  readonly config: { readonly [name: string]: Json };
  readonly bound: boolean;
  readonly shares: readonly Share[] | null;
}

export interface NodesWanted {
  readonly limit?: number;
  readonly cursor?: string | null;
  readonly q?: string | null;
  readonly mine?: boolean;
}

export interface NodeChange {
  readonly name?: string;
  readonly location?: Location | null;
  readonly kind?: string;
  readonly config?: { readonly [name: string]: Json };
  readonly public?: Permission | null;
  readonly owner?: string | null;
}

export interface NodeChanged {
  readonly node: Node;
  readonly unchanged: boolean;
}

export interface ShareLevel {
  readonly level: Permission;
}

export interface Resource {
  readonly endpoint: string;
  readonly value: Json;
  readonly time: number;
}

/** What to set a resource to. */
export interface Setting {
  readonly payload: string | number | boolean;
  readonly timeout?: number;
}

export interface CommandState {
  readonly id: string;
  readonly uid: string;
  readonly endpoint: string;
  readonly payload: string;
  readonly asked: number;
  readonly status: Status | null;
  readonly reason: string;
}

export interface Series {
  readonly uid: string;
  readonly endpoint: string;
  readonly path: string;
  readonly unit: string;
  readonly first: number | null;
  readonly last: number | null;
}

export interface CourseWanted {
  readonly from?: number | null;
  readonly to?: number | null;
  readonly points?: number;
  readonly path?: string;
}

/** Numbers over time, as many as a chart can show; extremes are kept. */
export interface Course {
  readonly series: Series;
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly points: readonly (readonly [number, number, number, number, number])[];
}

export interface RowsWanted {
  readonly limit?: number;
  readonly cursor?: string | null;
  readonly from?: number | null;
  readonly to?: number | null;
  readonly path?: string;
}

/** One reading as it was stored. */
export interface Row {
  readonly time: number;
  readonly value: number | string | null;
}

export interface AvailabilityChange {
  readonly time: number;
  readonly availability: Availability;
}

/** A node that is to come, with a token. */
export interface NewDevice {
  readonly name: string;
  readonly kind?: string;
  readonly config?: { readonly [name: string]: Json };
  readonly uid?: string | null;
}

export interface NewToken {
  readonly label?: string;
}

export interface Token {
  readonly id: string;
  readonly node: string;
  readonly label: string;
  readonly created: number;
  readonly revoked: number | null;
}

/** A token, shown this once. */
export interface MadeToken {
  readonly token: Token;
  readonly secret: string;
  readonly link: string;
  readonly qr: readonly string[];
}

export interface MadeDevice {
  readonly node: Node;
  readonly made: MadeToken;
}

/** A node that waits for somebody's approval. */
export interface Waiting {
  readonly uid: string;
  readonly name: string;
  readonly protocol: string;
  readonly gateway: string;
  readonly address: string;
  readonly first_seen: number;
  readonly last_seen: number;
  readonly refused: boolean;
}

export interface Decision {
  readonly approve: boolean;
  readonly owner?: string | null;
}

/** When to raise an alert. */
export interface RuleForm {
  readonly name: string;
  readonly condition: Condition;
  readonly node: string;
  readonly resource: string;
  readonly path: string;
  readonly low: number | null;
  readonly high: number | null;
  readonly text: string | null;
  readonly seconds: number;
  readonly hysteresis: number;
  readonly severity: Severity;
  readonly channels: readonly string[];
  readonly enabled: boolean;
}

export interface Rule {
  readonly id: string;
  readonly rule: RuleForm;
  readonly owner: string | null;
  readonly mine: boolean;
  readonly muted_until: number | null;
  readonly created: number;
  readonly changed: number;
  readonly raised: number;
}

export interface Mute {
  readonly until: number | null;
}

export interface PreviewWanted {
  readonly rule: RuleForm;
  readonly from: number;
  readonly to: number;
}

export interface Fired {
  readonly uid: string;
  readonly endpoint: string;
  readonly raised: number;
  readonly cleared: number | null;
  readonly text: string;
}

/** When a rule would have fired. */
export interface Preview {
  readonly fired: readonly Fired[];
  readonly readings: number;
  readonly complete: boolean;
}

export interface NewChannel {
  readonly name: string;
  readonly url: string;
}

export interface ChannelsWanted {
  readonly limit?: number;
  readonly cursor?: string | null;
  readonly all?: boolean;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly created: number;
}

export interface Tried {
  readonly delivered: boolean;
  readonly reason: string;
}

export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly rule_name: string;
  readonly uid: string;
  readonly endpoint: string;
  readonly severity: Severity;
  readonly state: AlertState;
  readonly text: string;
  readonly finding: Finding | null;
  readonly value: string;
  readonly raised: number;
  readonly acknowledged: number | null;
  readonly acknowledged_by: string | null;
  readonly cleared: number | null;
}

export interface AlertsWanted {
  readonly limit?: number;
  readonly cursor?: string | null;
  readonly state?: "acknowledged" | "all" | "cleared" | "open" | "raised";
  readonly uid?: string | null;
}

export interface AuditEntry {
  readonly time: number;
  readonly user: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: { readonly [name: string]: Json };
}

export interface AuditWanted {
  readonly limit?: number;
  readonly cursor?: string | null;
  readonly q?: string;
  readonly user?: string;
}

/** How one service is. */
export interface Part {
  readonly name: string;
  readonly well: boolean;
  readonly reason: string;
  readonly facts: { readonly [name: string]: Json };
}

export interface Health {
  readonly well: boolean;
  readonly version: string;
  readonly parts: readonly Part[];
  readonly time: number;
}

export interface ExportWanted {
  readonly format?: "csv" | "json" | "senml";
  readonly node?: string | null;
  readonly resource?: string | null;
  readonly path?: string | null;
  readonly from?: number | null;
  readonly to?: number | null;
}

export interface EventsWanted {
  readonly node?: string | null;
  readonly resource?: string | null;
}

// SPDX-License-Identifier: BSD-3-Clause
import type { Alert as Stored } from "../api/types";
import type { Alert as Told, AlertState, Finding, Severity } from "../wire/messages";

/** Something that is out of bounds, whoever told of it. */
export interface OpenAlert {
  readonly id: string;
  readonly rule: string;
  readonly uid: string;
  /** Empty where it is about the node as a whole. */
  readonly endpoint: string;
  readonly severity: Severity;
  readonly state: Exclude<AlertState, "cleared">;
  /** What is wrong, in one sentence. */
  readonly text: string;
  /** The same, to be said in other words; null where that is not known. */
  readonly finding: Finding | null;
  /** When it was raised, in seconds since the epoch. */
  readonly raised: number;
}

/** By id, the newest last. */
export type OpenAlerts = ReadonlyMap<string, OpenAlert>;

export const NO_ALERTS: OpenAlerts = new Map();

/** What the server has stored and is not cleared; the newest comes first there. */
export function openOf(stored: readonly Stored[]): OpenAlerts {
  const open = new Map<string, OpenAlert>();
  for (const { id, rule, uid, endpoint, severity, state, text, finding, raised } of [...stored].reverse()) {
    if (state !== "cleared") open.set(id, { id, rule, uid, endpoint, severity, state, text, finding, raised });
  }
  return open;
}

/** The alerts after the broker told of one; the same object where that changes nothing. */
export function heard(open: OpenAlerts, told: Told): OpenAlerts {
  const known = open.get(told.id);
  if (told.state === "cleared") {
    if (known === undefined) return open;
    return new Map([...open].filter(([id]) => id !== told.id));
  }
  // That somebody has seen to it does not make it raised again.
  if (known !== undefined && (known.state === told.state || told.state === "raised")) return open;
  const { id, rule, uid, endpoint, severity, state, text, time } = told;
  const finding = told.finding ?? known?.finding ?? null;
  return new Map(open).set(id, { id, rule, uid, endpoint, severity, state, text, finding, raised: known?.raised ?? time });
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

/** How many want somebody's attention, and how bad the worst of them is. */
export interface Attention {
  readonly count: number;
  readonly worst: Severity | null;
}

export function attentionOf(open: OpenAlerts): Attention {
  const raised = [...open.values()].filter(({ state }) => state === "raised");
  const [worst = null] = raised.map(({ severity }) => severity).sort((one, other) => RANK[other] - RANK[one]);
  return { count: raised.length, worst };
}

/** The worst that is open about each node, seen to or not. */
export function worstOf(open: OpenAlerts): ReadonlyMap<string, Severity> {
  const worst = new Map<string, Severity>();
  for (const { uid, severity } of open.values()) {
    const known = worst.get(uid);
    if (known === undefined || RANK[severity] > RANK[known]) worst.set(uid, severity);
  }
  return worst;
}

/** What is wrong, in one sentence, with a node called as it is on this page. */
export function sentenceOf({ uid, text }: Pick<OpenAlert, "uid" | "text">, name: string): string {
  return text.replaceAll(uid, () => name);
}

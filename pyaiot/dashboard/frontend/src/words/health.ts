// SPDX-License-Identifier: BSD-3-Clause
import { known, language, t } from ".";
import type { Part } from "../api/types";
import { textOf } from "../model/value";
import type { Json } from "../wire/messages";
import { ageText } from "./age";

/** What a part of the system is called. */
export function partName({ name }: Part): string {
  const key = `health.part_${name}`;
  return known(key) ? t(key) : name;
}

/** What parts say of themselves that we have words for, the beginning of it. */
const REASONS: readonly (readonly [start: string, key: string])[] = [
  ["not connected yet", "health.because_awaited"],
  ["the connection was lost", "health.because_lost"],
  ["no answer in time", "health.because_late"],
  ["broker not connected", "health.because_unlinked"],
  ["its answer is no report", "health.because_garbled"],
];

/** Why a part is not well: in our words where there are any, else in its own. */
export function reasonText({ reason }: Part): string {
  const key = REASONS.find(([start]) => reason.startsWith(start))?.[1];
  return key === undefined ? reason : t(key);
}

/** A fact about a part: what it is called, and what it is. */
export interface Told {
  readonly name: string;
  readonly value: string;
}

/** These are said in other places: as the mark, the title and the reason of a part. */
const SAID: ReadonlySet<string> = new Set(["status", "service", "reason"]);

export function factsOf({ name: part, facts }: Part): readonly Told[] {
  return Object.entries(facts).flatMap(([name, value]) =>
    SAID.has(name) ? [] : [{ name: factName(part, name), value: factText(name, value) }],
  );
}

function factName(part: string, name: string): string {
  // The store counts how often its lists were changed; others tell which edition of pyaiot they are.
  const key = part === "store" && name === "version" ? "health.fact_changes" : `health.fact_${name}`;
  return known(key) ? t(key) : name.replaceAll("_", " ");
}

function factText(name: string, value: Json): string {
  if (name === "uptime" && typeof value === "number") return ageText(value);
  if (typeof value === "number") return new Intl.NumberFormat(language()).format(value);
  if (typeof value === "boolean") return t(value ? "health.yes" : "health.no");
  if (value === "connected") return t("health.connected");
  if (value === "not connected") return t("health.notConnected");
  return textOf(value);
}

// SPDX-License-Identifier: BSD-3-Clause
import type { RuleForm } from "../api/types";
import type { Condition, Severity } from "../wire/messages";

/** A rule while somebody writes it: all as it is typed. */
export interface Draft {
  readonly name: string;
  readonly condition: Condition;
  readonly node: string;
  readonly resource: string;
  readonly path: string;
  readonly low: string;
  readonly high: string;
  readonly text: string;
  readonly seconds: string;
  readonly hysteresis: string;
  readonly severity: Severity;
  readonly channels: readonly string[];
  readonly enabled: boolean;
}

export const NEW_RULE: Draft = {
  name: "",
  condition: "above",
  node: "*",
  resource: "*",
  path: "",
  low: "",
  high: "",
  text: "",
  seconds: "",
  hysteresis: "",
  severity: "warning",
  channels: [],
  enabled: true,
};

export type Field = "low" | "high" | "text" | "seconds" | "hysteresis" | "resource";

/** What a condition needs to be told. */
const FIELDS: Readonly<Record<Condition, readonly Field[]>> = {
  above: ["resource", "high", "seconds", "hysteresis"],
  below: ["resource", "low", "seconds", "hysteresis"],
  outside: ["resource", "low", "high", "seconds", "hysteresis"],
  equals: ["resource", "text", "seconds"],
  rate: ["resource", "low", "high", "seconds"],
  silent: ["resource", "seconds"],
  offline: ["seconds"],
};

export function fieldsOf(condition: Condition): readonly Field[] {
  return FIELDS[condition];
}

export type Fault = "name" | "bounds" | "order" | "number" | "text" | "seconds" | "resource";

/** A number as people type it, with a point or a comma; null for nothing, NaN for what is none. */
export function numberFrom(typed: string): number | null {
  const text = typed.trim().replace(",", ".");
  if (text === "") return null;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

/** What is wrong with a draft, the first of it. */
export function faultOf(draft: Draft): Fault | null {
  const fields = fieldsOf(draft.condition);
  const has = (field: Field): boolean => fields.includes(field);
  if (draft.name.trim() === "") return "name";
  if (has("resource") && draft.resource.trim() === "") return "resource";
  const [low, high, seconds, hysteresis] = [draft.low, draft.high, draft.seconds, draft.hysteresis].map(numberFrom);
  for (const [field, number] of [["low", low], ["high", high], ["seconds", seconds], ["hysteresis", hysteresis]] as const) {
    if (has(field) && Number.isNaN(number)) return "number";
  }
  if ((seconds ?? 0) < 0 || (hysteresis ?? 0) < 0) return "number";
  if (draft.condition === "silent" && (seconds ?? 0) <= 0) return "seconds";
  if (has("text") && draft.text.trim() === "") return "text";
  if (draft.condition === "rate" ? (low ?? high ?? null) === null : missing(has, low ?? null, high ?? null)) return "bounds";
  if (has("low") && has("high") && low != null && high != null && low >= high) return "order";
  return null;
}

function missing(has: (field: Field) => boolean, low: number | null, high: number | null): boolean {
  return (has("low") && low === null) || (has("high") && high === null);
}

/** The rule that a draft without faults stands for; what its condition does not need is left out. */
export function ruleOf(draft: Draft): RuleForm {
  const fields = fieldsOf(draft.condition);
  const number = (field: "low" | "high" | "seconds" | "hysteresis"): number | null =>
    fields.includes(field) ? numberFrom(draft[field]) : null;
  // What is a number is compared as one: 1 equals "1.0°C" then.
  const equal = fields.includes("text") ? draft.text.trim() : null;
  const exact = equal === null ? null : numberFrom(equal);
  const isNumber = exact !== null && !Number.isNaN(exact);
  return {
    name: draft.name.trim(),
    condition: draft.condition,
    node: draft.node.trim() || "*",
    resource: fields.includes("resource") ? draft.resource.trim() : "*",
    path: fields.includes("resource") ? draft.path.trim() : "",
    low: isNumber ? exact : number("low"),
    high: number("high"),
    text: isNumber ? null : equal,
    seconds: number("seconds") ?? 0,
    hysteresis: number("hysteresis") ?? 0,
    severity: draft.severity,
    channels: draft.channels,
    enabled: draft.enabled,
  };
}

/** A rule as it is put before somebody to be changed. */
export function draftOf(rule: RuleForm): Draft {
  const text = (number: number): string => (number === 0 ? "" : String(number));
  const bound = (number: number | null): string => (number === null ? "" : String(number));
  return {
    name: rule.name,
    condition: rule.condition,
    node: rule.node,
    resource: rule.resource,
    path: rule.path,
    low: bound(rule.low),
    high: bound(rule.high),
    text: rule.text ?? bound(rule.condition === "equals" ? rule.low : null),
    seconds: text(rule.seconds),
    hysteresis: text(rule.hysteresis),
    severity: rule.severity,
    channels: rule.channels,
    enabled: rule.enabled,
  };
}

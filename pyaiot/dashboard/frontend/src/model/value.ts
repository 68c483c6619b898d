// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";

/** A number and the unit it was sent with; the unit is empty where none was given. */
export interface Quantity {
  readonly number: number;
  readonly unit: string;
  /** Digits behind the point, as sent. */
  readonly decimals: number;
}

// The same pattern as pyaiot/model/value.py; tests/quantities.json holds both to it.
const QUANTITY =
  /^\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s.,:;+\-][^\s:;]{0,15})?\s*$/u;

/** The quantity in a value (`"23.4°C"`, `" 22.5 °C"`, `45`), or null if there is none. */
export function quantityOf(value: Json | undefined): Quantity | null {
  if (typeof value === "number") {
    return { number: value, unit: "", decimals: decimalsOf(String(value)) };
  }
  if (typeof value !== "string" || value.length > 64) return null;
  const match = QUANTITY.exec(value);
  if (match?.[1] === undefined) return null;
  const digits = match[1].replace(",", ".");
  return { number: Number(digits), unit: match[2] ?? "", decimals: decimalsOf(digits) };
}

function decimalsOf(digits: string): number {
  return /\.(\d*)$/.exec(digits)?.[1]?.length ?? 0;
}

/** The number as people read it: with the digits that were sent, within reason. */
export function numberText({ number, decimals }: Pick<Quantity, "number" | "decimals">): string {
  const size = Math.abs(number);
  if (!Number.isFinite(number)) return String(number);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return number.toPrecision(4);
  const text = number.toFixed(Math.min(decimals, 4));
  return text.replace("-", "\u2212");
}

/** Which widget shows a resource. */
export type Kind =
  | "unknown"
  | "toggle"
  | "number"
  | "imu"
  | "position"
  | "pad"
  | "stick"
  | "picture"
  | "firmware"
  | "script"
  | "structure"
  | "text";

const LED = /(?:^|[/_.-])leds?\d*(?:$|[/_.-])/i;

/** What a node is rather than what it measures: shown as text even where it looks like a number. */
const FACTS: ReadonlySet<string> = new Set([
  "appid", "board", "id", "ip", "mcu", "name", "os", "protocol", "vendor", "version",
]); // prettier-ignore

export function isFact(endpoint: string): boolean {
  return FACTS.has(endpoint);
}

/** Resources that are controls, whatever they say of themselves (WIRE.md section 7). */
const CONTROLS: ReadonlyMap<string, Kind> = new Map([
  ["robot", "pad"],
  ["ribot", "stick"],
  ["js", "script"],
  ["suit_state", "firmware"],
  ["webcam", "picture"],
]);

/** `undefined` stands for a value that is not known yet. */
export function kindOf(endpoint: string, value: Json | undefined): Kind {
  const control = CONTROLS.get(endpoint);
  if (control !== undefined) return control;
  if (value === undefined || value === null || value === "") return "unknown";
  if (isFact(endpoint)) return "text";
  if (LED.test(endpoint) && isLit(value) !== null) return "toggle";
  if (quantityOf(value) !== null) return "number";
  if (structureOf(value) === null) return "text";
  return endpoint === "imu" || endpoint === "position" ? endpoint : "structure";
}

/** Whether an LED is on, or null where the value does not say so. */
export function isLit(value: Json | undefined): boolean | null {
  if (value === "1" || value === 1 || value === true) return true;
  if (value === "0" || value === 0 || value === false) return false;
  return null;
}

/** A list or an object, be it sent as such or (as CoAP nodes must) as text; null for others. */
export function structureOf(value: Json): readonly Json[] | Readonly<Record<string, Json>> | null {
  if (typeof value === "object") return value;
  if (typeof value !== "string" || value.length > 16_384 || !/^\s*[[{]/.test(value)) return null;
  try {
    return JSON.parse(value) as readonly Json[] | Readonly<Record<string, Json>>;
  } catch {
    return null;
  }
}

/** Any value as text. */
export function textOf(value: Json | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

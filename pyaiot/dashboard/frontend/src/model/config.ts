// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";

/** What somebody may note of a device, in whatever words they like. */
export type DeviceConfig = Readonly<Record<string, Json>>;

/** One note as it is typed. */
export interface Field {
  readonly name: string;
  readonly text: string;
}

/** Characters that the notes of a device may have, as JSON. */
const LONGEST = 16_000;

/** The notes of a text in JSON; null where that is none, or too long. */
export function parseConfig(text: string): DeviceConfig | null {
  if (text.trim() === "") return {};
  if (text.length > LONGEST) return null;
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === "object" && said !== null && !Array.isArray(said) ? (said as DeviceConfig) : null;
  } catch {
    return null;
  }
}

export function configText(config: DeviceConfig): string {
  return Object.keys(config).length === 0 ? "" : JSON.stringify(config, null, 2);
}

/** The notes one by one, to be typed. */
export function fieldsOf(config: DeviceConfig): readonly Field[] {
  return Object.entries(config).map(([name, value]) => ({ name, text: typed(value) }));
}

/** What the fields say: numbers, yes and no, and JSON are what they look like, and all else is text. */
export function configOf(fields: readonly Field[]): DeviceConfig {
  const said = fields.map(({ name, text }) => [name.trim(), meant(text.trim())] as const);
  return Object.fromEntries(said.filter(([name]) => name !== ""));
}

/** As it must be typed to be that again. */
function typed(value: Json): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return meant(value) === value && value.trim() === value ? value : JSON.stringify(value);
}

function meant(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

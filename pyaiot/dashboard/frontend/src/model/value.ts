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

/** Digits that a very large or very small number is written with. */
const SIGNIFICANT = 4;
/** Digits behind the point that anybody reads. */
const MOST_DECIMALS = 4;
/** Numbers from here on are written in groups of digits. */
const LONG = 10_000;

/** The number as people of a language read it: with the digits that were sent, within reason. */
export function numberText({ number, decimals }: Pick<Quantity, "number" | "decimals">, language = "en"): string {
  if (Number.isNaN(number)) return "–";
  const size = Math.abs(number);
  const far = size !== 0 && Number.isFinite(size) && (size >= 1e9 || size < 1e-4);
  const text = formatOf(language, far ? null : Math.min(decimals, MOST_DECIMALS), size >= LONG).format(number);
  const [mantissa = text, exponent] = text.split("E");
  const digits = exponent === undefined ? mantissa : `${mantissa}\u202f×\u202f10${raised(exponent)}`;
  return digits.replace("-", "\u2212");
}

/** Formats are costly to make, and few. */
const formats = new Map<string, Intl.NumberFormat>();

/** The format with some digits behind the point; null for powers of ten. */
function formatOf(language: string, decimals: number | null, grouped: boolean): Intl.NumberFormat {
  const key = `${language} ${decimals ?? "far"} ${grouped}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const format = new Intl.NumberFormat(
    language,
    decimals === null
      ? { notation: "scientific", minimumSignificantDigits: 1, maximumSignificantDigits: SIGNIFICANT }
      : { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping: grouped },
  );
  formats.set(key, format);
  return format;
}

function raised(exponent: string): string {
  return exponent.replace(/[-\d]/g, (digit) => (digit === "-" ? "⁻" : ("⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? digit)));
}

/** The unit as it is printed: `ug/m3` is `µg/m³`. */
export function unitText(unit: string): string {
  return unit.replace(/^u(?=[gmsAVWJLHF])/u, "µ").replace(/(?<=m)([23])(?!\d)/gu, (digit) => (digit === "2" ? "²" : "³"));
}

/** Which widget shows a resource. */
export type Kind =
  | "unknown"
  | "toggle"
  | "indicator"
  | "number"
  | "imu"
  | "position"
  | "pad"
  | "stick"
  | "picture"
  | "firmware"
  | "script"
  | "message"
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
  ["text", "message"],
  ["twitter", "message"],
  ["webcam", "picture"],
]);

// What sensors and their drivers say when they cannot measure, with or without a unit behind it.
const NOTHING_MEASURED =
  /^\s*(?:[+-]?nan(?:\s*(?:hPa|kPa|ppm|ppb|lx|[^\w\s]\S{0,4})|\s+\S{1,8})?|n\/a|none|null|unavailable|unknown)\s*$/iu;

/** Whether the node says by a word that there is nothing to say: `nan°C`, `unavailable`. */
export function isUnavailable(value: Json | undefined): boolean {
  return typeof value === "string" && value.length <= 64 && NOTHING_MEASURED.test(value);
}

/** Resources that are shown as a part of another one where the node has that: the other's name. */
const PARTS: ReadonlyMap<string, string> = new Map([["dwnld", "suit_state"]]);

/** The resource of which this one is a part, as the course of a download is of its update. */
export function wholeOf(endpoint: string): string | undefined {
  return PARTS.get(endpoint);
}

/** Words of a name that tell of something measured or counted, whose 0 and 1 are numbers. */
const MEASURED =
  /(?:^|[/_.-])(?:n|no|num|number|count(?:er)?|total|sum|index|id|level|step|age|uptime|time|rate|speed|temp|temperature|pressure|humidity|moisture|illuminance|lux|uv|uvindex|voltage|current|energy|battery|distance|height|depth|weight|angle|volume|rssi|snr|e?co2|t?voc|pm\d.*|tsp|tlp|dwnld|value|version|lat|lng|[xyz])\d*(?:$|[/_.-])/i;

/** Words of a name that tell of something that is felt, not set. */
const FELT =
  /(?:^|[/_.-])(?:alarm|alert|btn|button|charging|closed|connected|contact|detected|door|error|fault|flood|gas|leak|motion|moving|occupancy|occupied|online|open|opened|pir|presence|present|pressed|rain|raining|reed|sensor|smoke|sound|tamper|tilt|touch|vibration|warning|window)\d*(?:$|[/_.-])/i;

/** Longest address that is followed. */
const LONGEST_ADDRESS = 2048;
const PICTURE = /\.(?:apng|avif|bmp|gif|jpe?g|png|svg|webp)$/i;

/** `undefined` stands for a value that is not known yet. */
export function kindOf(endpoint: string, value: Json | undefined): Kind {
  const control = CONTROLS.get(endpoint);
  if (control !== undefined) return control;
  if (value === undefined || value === null || value === "") return "unknown";
  if (isFact(endpoint)) return "text";
  if (isOn(value) !== null) {
    if (LED.test(endpoint)) return "toggle";
    const digit = typeof value !== "boolean" && quantityOf(value) !== null;
    if (!digit || !MEASURED.test(endpoint)) return FELT.test(endpoint) ? "indicator" : "toggle";
  }
  if (quantityOf(value) !== null) return "number";
  if (isUnavailable(value)) return "unknown";
  if (isPictureAddress(value)) return "picture";
  if (structureOf(value) === null) return "text";
  return endpoint === "imu" || endpoint === "position" ? endpoint : "structure";
}

/** Whether something is on, or null where the value does not say so. */
export function isOn(value: Json | undefined): boolean | null {
  const word = typeof value === "string" && value.length <= 5 ? value.toLowerCase() : value;
  if (word === "1" || word === 1 || word === true || word === "true" || word === "on") return true;
  if (word === "0" || word === 0 || word === false || word === "false" || word === "off") return false;
  return null;
}

/** Whether the name is one of a light. */
export function isLed(endpoint: string): boolean {
  return LED.test(endpoint);
}

/** The address in a value, if it is one by HTTP that can be followed without harm; else null. */
export function addressIn(value: Json | undefined): URL | null {
  if (typeof value !== "string" || value.length > LONGEST_ADDRESS) return null;
  const text = value.trim();
  if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) return null;
  const address = new URL(text);
  return address.username === "" && address.password === "" ? address : null;
}

function isPictureAddress(value: Json): boolean {
  const address = addressIn(value);
  return address !== null && PICTURE.test(address.pathname);
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

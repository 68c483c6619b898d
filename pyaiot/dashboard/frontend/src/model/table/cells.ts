// SPDX-License-Identifier: BSD-3-Clause
import { presenceOf, type Node, type Presence, type Resource } from "../state";
import { leavesOf } from "../structure";
import { isOn, kindOf, numberText, quantityOf, structureOf, textOf, unitText } from "../value";
import { endpointOf } from "./columns";
import type { Content } from "./filter";

/**
 * How the value of a node in one column looks.
 *
 * `absent`: the node has no such thing. `waiting`: it has, and has not said it yet. `nothing`: it
 * said that there is none. None of them looks like a value.
 */
export type Look = "absent" | "waiting" | "nothing" | "toggle" | "indicator" | "number" | "text" | "name" | "presence" | "age";

export interface Cell {
  readonly look: Look;
  /** As it is read; empty where there is nothing to read. */
  readonly text: string;
  readonly unit: string;
  /** The resource that it is the value of; null for built-in columns and where there is none. */
  readonly resource: Resource | null;
}

/** What cells need from the page that shows them. */
export interface Reader {
  readonly titleOf: (node: Node) => string;
  readonly presences: Readonly<Record<Presence, string>>;
  readonly on: string;
  readonly off: string;
  /** How an update of a node's firmware stands, which it tells by a number. */
  readonly firmware: (node: Node, resource: Resource) => string;
  /** The language in which numbers are written. */
  readonly language: string;
  readonly isHidden: (uid: string, endpoint: string) => boolean;
}

/** Letters of a value that have a chance to be seen. */
const MOST_SEEN = 120;
/** Letters of a value that are looked through. */
const MOST_READ = 4_000;

const RANKS: Readonly<Record<Presence, number>> = { online: 0, late: 1, offline: 2, gone: 3 };

function resourceOf(node: Node, column: string, reader: Reader): Resource | null {
  const endpoint = endpointOf(column);
  if (endpoint === null || reader.isHidden(node.uid, endpoint)) return null;
  return node.resources.get(endpoint) ?? null;
}

export function cellOf(node: Node, column: string, reader: Reader): Cell {
  const builtIn = { unit: "", resource: null };
  switch (column) {
    case "name":
      return { look: "name", text: reader.titleOf(node), ...builtIn };
    case "availability":
      return { look: "presence", text: reader.presences[presenceOf(node)], ...builtIn };
    case "heard":
      return { look: "age", text: "", ...builtIn };
    case "uid":
      return { look: "text", text: node.uid, ...builtIn };
  }
  const resource = resourceOf(node, column, reader);
  if (resource === null) return { look: "absent", text: "", ...builtIn };
  return { ...seen(node, resource, reader), resource };
}

function seen(node: Node, resource: Resource, reader: Reader): Omit<Cell, "resource"> {
  const { endpoint, value } = resource;
  if (value === undefined) return { look: "waiting", text: "", unit: "" };
  const kind = kindOf(endpoint, value);
  if (kind === "unknown" || value === null || value === "") return { look: "nothing", text: "", unit: "" };
  if (kind === "toggle" || kind === "indicator") return { look: kind, text: isOn(value) === true ? reader.on : reader.off, unit: "" };
  const quantity = kind === "number" ? quantityOf(value) : null;
  if (quantity !== null) return { look: "number", text: numberText(quantity, reader.language), unit: unitText(quantity.unit) };
  if (kind === "firmware") return { look: "text", text: reader.firmware(node, resource), unit: "" };
  const structure = kind === "imu" || kind === "position" || kind === "structure" ? structureOf(value) : null;
  const text = structure === null ? textOf(value).slice(0, MOST_SEEN) : leafText(structure);
  return { look: "text", text: text.replace(/\s+/g, " ").trim(), unit: "" };
}

function leafText(structure: NonNullable<ReturnType<typeof structureOf>>): string {
  let text = "";
  for (const { path, text: leaf } of leavesOf(structure)) {
    text += `${text === "" ? "" : ", "}${path === "" ? "" : `${path} `}${leaf}`;
    if (text.length > MOST_SEEN) break;
  }
  return text.slice(0, MOST_SEEN);
}

function isSwitch(look: Look): boolean {
  return look === "toggle" || look === "indicator";
}

/** What a filter finds in a cell; `wall` is the time by the broker's clock. */
export function contentOf(node: Node, column: string, reader: Reader, wall: number): Content {
  switch (column) {
    case "name": {
      const title = reader.titleOf(node);
      return { text: node.title === title ? title : `${title}\n${node.title}`, number: null };
    }
    case "availability": {
      const presence = presenceOf(node);
      return { text: `${reader.presences[presence]}\n${presence}`, number: null };
    }
    case "heard":
      return { text: "", number: Math.max(0, wall - node.seen) };
  }
  const { look, text, unit, resource } = cellOf(node, column, reader);
  const raw = resource === null ? "" : textOf(resource.value ?? undefined).slice(0, MOST_READ);
  const number = isSwitch(look) ? Number(isOn(resource?.value)) : (quantityOf(resource?.value)?.number ?? null);
  const whole = unit === "" ? text : `${text} ${unit}`;
  return { text: whole === raw || raw === "" ? whole : `${whole}\n${raw}`, number };
}

/** What rows are sorted by; null where there is nothing to sort by, which comes last. */
export type Key = number | string | null;

export function keyOf(node: Node, column: string, reader: Reader): Key {
  switch (column) {
    case "availability":
      return RANKS[presenceOf(node)];
    case "heard":
      // By age, as it is shown.
      return -node.seen;
  }
  const { look, text, resource } = cellOf(node, column, reader);
  switch (look) {
    case "absent":
    case "waiting":
    case "nothing":
      return null;
    case "toggle":
    case "indicator":
      return Number(isOn(resource?.value));
    case "number": {
      const number = quantityOf(resource?.value)?.number ?? Number.NaN;
      return Number.isNaN(number) ? null : number;
    }
    default:
      return text === "" ? null : text;
  }
}

const natural = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Numbers by size, before texts in their natural order; nothing comes last either way. */
export function compareKeys(a: Key, b: Key, descending: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  const order = typeof a === "number" ? (typeof b === "number" ? a - b : -1) : typeof b === "number" ? 1 : natural.compare(a, b);
  return descending ? -order : order;
}

/**
 * Nodes as rows for a spreadsheet, their headings first.
 *
 * Numbers stand alone where all of a column have one unit, which the heading then says.
 */
export function exportTable(
  nodes: readonly Node[],
  columns: readonly { readonly id: string; readonly label: string }[],
  reader: Reader,
): readonly (readonly (string | number)[])[] {
  const units = columns.map(({ id }) => commonUnit(nodes, id, reader));
  const headings = columns.map(({ label }, index) => (units[index] ? `${label} (${units[index]})` : label));
  return [headings, ...nodes.map((node) => columns.map(({ id }, index) => exportText(node, id, reader, units[index] ?? null)))];
}

/** The unit of all numbers in a column; null if they have several, or there are none. */
function commonUnit(nodes: readonly Node[], column: string, reader: Reader): string | null {
  let common: string | null = null;
  for (const node of nodes) {
    const { look, unit } = cellOf(node, column, reader);
    if (look !== "number") continue;
    if (common !== null && unit !== common) return null;
    common = unit;
  }
  return common;
}

function exportText(node: Node, column: string, reader: Reader, unit: string | null): string | number {
  if (column === "heard") return node.seen > 0 ? new Date(node.seen * 1000).toISOString() : "";
  const { look, text, resource } = cellOf(node, column, reader);
  if (resource === null || isSwitch(look)) return text;
  const quantity = look === "number" ? quantityOf(resource.value) : null;
  if (quantity === null) return textOf(resource.value ?? undefined);
  return unit === null ? `${quantity.number} ${quantity.unit}`.trim() : quantity.number;
}

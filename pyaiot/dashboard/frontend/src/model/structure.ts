// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";

/** A leaf of a structure: the way to it, and its text. */
export interface Leaf {
  readonly path: string;
  readonly text: string;
}

/** Leaves that are shown; the rest is counted. */
export const MOST_LEAVES = 12;
/** Leaves that are counted. */
const MOST_COUNTED = 500;
/** Levels that are looked into. */
const MOST_LEVELS = 6;

/**
 * A structure as few short leaves.
 *
 * Lists of plain values stay together (`gyro: 12 -4 9`), and an object that says by `type` or `name`
 * what it is lends that word to its only other member, as the readings of motion sensors do.
 */
export function leavesOf(structure: Json): readonly Leaf[] {
  const leaves: Leaf[] = [];
  gather(structure, "", leaves, 0);
  return leaves;
}

function gather(value: Json, path: string, leaves: Leaf[], level: number): void {
  if (leaves.length >= MOST_COUNTED) return;
  if (!isCompound(value)) leaves.push({ path, text: plain(value) });
  else if (level >= MOST_LEVELS) leaves.push({ path, text: "…" });
  else if (isList(value) && !value.some(isCompound)) {
    leaves.push({ path, text: value.map(plain).join("\u2002") });
  } else for (const [name, item] of parts(value)) gather(item, join(path, name), leaves, level + 1);
}

/** The members of a structure by the names that lead to them. */
function parts(value: Compound): readonly (readonly [string, Json])[] {
  if (isList(value)) return value.map((item, index) => [titled(item) ? "" : String(index), item]);
  const title = titled(value);
  return title === null ? Object.entries(value) : [[title.word, title.content]];
}

function titled(value: Json): { word: string; content: Json } | null {
  if (!isCompound(value) || isList(value)) return null;
  const entries = Object.entries(value);
  const word = entries.find(([name]) => name === "type" || name === "name")?.[1];
  const rest = entries.filter(([name]) => name !== "type" && name !== "name");
  const [only] = rest;
  if (typeof word !== "string" || only === undefined || rest.length > 1 || entries.length > 2) return null;
  return { word, content: only[1] };
}

type Compound = readonly Json[] | Readonly<Record<string, Json>>;

function isCompound(value: Json): value is Compound {
  return typeof value === "object" && value !== null;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function plain(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value).replace(/^-/, "\u2212");
}

function join(path: string, name: string): string {
  return path === "" || name === "" ? path + name : `${path}.${name}`;
}

/** A member of a structure, by its name. */
export interface Branch {
  readonly name: string;
  /** The text of a plain value; null where there are members. */
  readonly text: string | null;
  /** How many members there are, of which `members` holds the first. */
  readonly count: number;
  readonly list: boolean;
  members(): readonly Branch[];
}

/** Members of one branch that are shown. */
export const MOST_MEMBERS = 200;
/** Letters of a text that are shown. */
const MOST_LETTERS = 2_000;

/** A structure as a tree, which is looked into only as far as it is opened. */
export function branchOf(name: string, value: Json): Branch {
  if (!isCompound(value)) {
    const whole = plain(value);
    const text = whole.length > MOST_LETTERS ? `${whole.slice(0, MOST_LETTERS)}…` : whole;
    return { name, text, count: 0, list: false, members: () => [] };
  }
  const list = isList(value);
  const names = list ? null : Object.keys(value);
  return {
    name,
    text: null,
    count: list ? value.length : (names?.length ?? 0),
    list,
    members: () =>
      list
        ? value.slice(0, MOST_MEMBERS).map((item, index) => branchOf(String(index), item))
        : (names ?? []).slice(0, MOST_MEMBERS).map((each) => branchOf(each, value[each] ?? null)),
  };
}

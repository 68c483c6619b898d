// SPDX-License-Identifier: BSD-3-Clause
import { VIEWS } from "./place";

export const LANGUAGES = ["en", "de", "fr"] as const;
export type Language = (typeof LANGUAGES)[number];

/** How long a name, in characters, may be that somebody gives a node. */
export const LONGEST_NAME = 64;
/** Entries of each list that are kept. */
export const MOST_ENTRIES = 10_000;
/** Characters of an export that are looked at. */
export const LONGEST_TEXT = 2_000_000;

/** What somebody chose for this page. It is kept in the browser, and is nobody else's business. */
export interface Preferences {
  readonly theme: "system" | "light" | "dark";
  readonly contrast: "system" | "more";
  readonly motion: "system" | "less";
  readonly language: "system" | Language;
  /** The view of an address that names none. */
  readonly view: (typeof VIEWS)[number];
  /** Whether a value that changed lights up for a moment. */
  readonly highlight: boolean;
  /** Whether messages per second and the like are shown. */
  readonly statistics: boolean;
  /** Whether single keys do something; whoever dictates or mistypes may not want that. */
  readonly shortcuts: boolean;
  /** Whether the camera's picture is open, where there is a camera. */
  readonly camera: boolean;
  /** How cards are grouped: by nothing, or by what the nodes say of themselves. */
  readonly group: "none" | "protocol" | "board" | "os" | "availability";
  /** Names that nodes were given here, by uid. */
  readonly names: Readonly<Record<string, string>>;
  /** Uids of nodes that come first, in this order. */
  readonly pinned: readonly string[];
  /** Uids of all nodes that were arranged by hand, in that order. */
  readonly arranged: readonly string[];
  readonly hiddenNodes: readonly string[];
  /** `uid/endpoint`, or `*` for the uid where a resource is hidden on all nodes. */
  readonly hiddenResources: readonly string[];
  /** Columns of the table, in their order; null for those that the nodes have. */
  readonly columns: readonly string[] | null;
  /** What the map shows below the nodes. */
  readonly ground: "world" | "plan" | "tiles";
  /** Where nodes stand on the floor plan, as parts of its width and height. */
  readonly spots: Readonly<Record<string, readonly [number, number]>>;
}

export const USUAL: Preferences = {
  theme: "system",
  contrast: "system",
  motion: "system",
  language: "system",
  view: "cards",
  highlight: true,
  statistics: true,
  shortcuts: true,
  camera: false,
  group: "none",
  names: {},
  pinned: [],
  arranged: [],
  hiddenNodes: [],
  hiddenResources: [],
  columns: null,
  ground: "world",
  spots: {},
};

type Checks = { readonly [name in keyof Preferences]: (value: unknown) => value is Preferences[name] };

const CHECKS: Checks = {
  theme: oneOf("system", "light", "dark"),
  contrast: oneOf("system", "more"),
  motion: oneOf("system", "less"),
  language: oneOf("system", ...LANGUAGES),
  view: oneOf(...VIEWS),
  highlight: isBoolean,
  statistics: isBoolean,
  shortcuts: isBoolean,
  camera: isBoolean,
  group: oneOf("none", "protocol", "board", "os", "availability"),
  names: recordOf((value) => typeof value === "string" && value.length <= LONGEST_NAME),
  pinned: isTexts,
  arranged: isTexts,
  hiddenNodes: isTexts,
  hiddenResources: isTexts,
  columns: (value): value is Preferences["columns"] => value === null || isTexts(value),
  ground: oneOf("world", "plan", "tiles"),
  spots: recordOf(
    (value) =>
      Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "number" && each >= 0 && each <= 1),
  ),
};

/**
 * The preferences in a text that `preferencesText` made.
 *
 * What the text does not say, or says in a way that makes no sense, is as usual. Throws a
 * SyntaxError if the text holds no preferences at all.
 */
export function parsePreferences(text: string): Preferences {
  if (text.length > LONGEST_TEXT) throw new SyntaxError("too long");
  const said: unknown = JSON.parse(text);
  if (!isRecord(said)) throw new SyntaxError("no object");
  const preferences: Record<string, unknown> = { ...USUAL };
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = said[name];
    if (Object.hasOwn(said, name) && check(value)) preferences[name] = value;
  }
  return preferences as unknown as Preferences;
}

/**
 * What somebody had chosen on the original's page, which kept each choice by itself.
 *
 * `read` gives what is kept under a name. The map was a part of that page; here it is a view.
 */
export function preferencesOfOriginal(read: (name: string) => string | null): Preferences {
  const theme = read("theme");
  return {
    ...USUAL,
    theme: theme === "dark" || theme === "light" ? theme : "system",
    view: read("showMap") === "true" ? "map" : "cards",
    camera: read("showCam") === "true",
  };
}

/** Whatever differs from the usual, as text. */
export function preferencesText(preferences: Preferences, indent = 0): string {
  const changed = Object.entries(preferences).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(USUAL[name as keyof Preferences]),
  );
  return JSON.stringify(Object.fromEntries(changed), null, indent);
}

function oneOf<const T>(...choices: readonly T[]): (value: unknown) => value is T {
  return (value): value is T => choices.includes(value as T);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MOST_ENTRIES && value.every((each) => typeof each === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordOf<T>(check: (value: unknown) => boolean): (value: unknown) => value is Readonly<Record<string, T>> {
  return (value): value is Readonly<Record<string, T>> => {
    if (!isRecord(value)) return false;
    const entries = Object.values(value);
    return entries.length <= MOST_ENTRIES && entries.every(check);
  };
}

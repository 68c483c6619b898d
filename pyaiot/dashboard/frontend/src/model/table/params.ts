// SPDX-License-Identifier: BSD-3-Clause
import { MOST_COLUMNS } from "./columns";

/** What rows are sorted by, and then by what. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

type Params = Readonly<Record<string, string>>;

/** Columns that rows can be sorted by at once. */
export const MOST_SORTS = 4;
/** Parameters of an address that hold the filter of a column. */
const FILTER = "f.";

/** `temperature:desc,name:asc`. What makes no sense is left out. */
export function parseSort(text: string | undefined): readonly Sort[] {
  const sorts: Sort[] = [];
  for (const part of items(text)) {
    const [id = "", direction = "asc"] = part.split(":");
    const column = decoded(id);
    if (column === null || (direction !== "asc" && direction !== "desc")) continue;
    if (sorts.length < MOST_SORTS && !sorts.some((each) => each.column === column)) {
      sorts.push({ column, descending: direction === "desc" });
    }
  }
  return sorts;
}

/** As text for an address; null for none. */
export function sortText(sorts: readonly Sort[]): string | null {
  const text = sorts.map(({ column, descending }) => `${encoded(column)}:${descending ? "desc" : "asc"}`).join(",");
  return text === "" ? null : text;
}

/**
 * The sorting after somebody asked for a column: upwards, then downwards, then not at all.
 *
 * With `add` the others stay, and it comes after them.
 */
export function sortedBy(sorts: readonly Sort[], column: string, add: boolean): readonly Sort[] {
  const before = sorts.find((each) => each.column === column);
  if (!add) {
    if (before === undefined || sorts.length > 1) return [{ column, descending: false }];
    return before.descending ? [] : [{ column, descending: true }];
  }
  if (before === undefined) return [...sorts.slice(0, MOST_SORTS - 1), { column, descending: false }];
  if (before.descending) return sorts.filter((each) => each !== before);
  return sorts.map((each) => (each === before ? { column, descending: true } : each));
}

/** The columns in an address; null if it names none. */
export function parseColumns(text: string | undefined): readonly string[] | null {
  const columns = new Set(items(text).flatMap((part) => decoded(part) ?? []));
  return columns.size === 0 ? null : [...columns].slice(0, MOST_COLUMNS);
}

export function columnsText(columns: readonly string[]): string {
  return columns.map(encoded).join(",");
}

/** The texts of the filters in an address, by column. */
export function filterTexts(params: Params): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [name, text] of Object.entries(params)) {
    if (name.startsWith(FILTER) && name.length > FILTER.length && text.trim() !== "") {
      texts.set(name.slice(FILTER.length), text);
    }
  }
  return texts;
}

/** The parameter that holds the filter of a column. */
export function filterParam(column: string): string {
  return FILTER + column;
}

function items(text: string | undefined): readonly string[] {
  return (text ?? "").split(",").filter((part) => part !== "");
}

/** What separates the items of a list cannot stand in one. */
function encoded(column: string): string {
  return column.replace(/[%,:]/g, (letter) => encodeURIComponent(letter));
}

function decoded(text: string): string | null {
  try {
    return text === "" ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}

// SPDX-License-Identifier: BSD-3-Clause
import type { Node, Resource } from "../state";
import { isFact, kindOf, type Kind } from "../value";

/** Columns that every node has something for, whatever its resources. */
export const BUILT_IN = ["name", "availability", "heard", "uid"] as const;

/** Columns that are there as long as nobody chose others. */
export const MOST_USUAL = 24;
/** Columns that can be chosen from. */
export const MOST_COLUMNS = 300;

/**
 * The column of a resource, in addresses and preferences.
 *
 * It is the endpoint; one that is called as a built-in column has the slash back that endpoints
 * lose for display.
 */
export function columnOf(endpoint: string): string {
  return isBuiltIn(endpoint) || endpoint.startsWith("/") ? `/${endpoint}` : endpoint;
}

/** The endpoint whose values a column shows; null for a built-in column. */
export function endpointOf(column: string): string | null {
  if (isBuiltIn(column)) return null;
  return column.startsWith("/") ? column.slice(1) : column;
}

function isBuiltIn(name: string): boolean {
  return (BUILT_IN as readonly string[]).includes(name);
}

/** A column that there are values for. */
export interface Column {
  readonly id: string;
  /** What most of its values are; null for a built-in column. */
  readonly kind: Kind | null;
  /** How many nodes have it. */
  readonly count: number;
}

/** Kinds from left to right: what one uses, what one measures, what one reads. */
const RANKS: Readonly<Partial<Record<Kind, number>>> = { toggle: 0, indicator: 0, number: 1, unknown: 1, imu: 3, position: 3, picture: 4, structure: 5, script: 6 };
const USUAL_RANK = 2;
const TEXT_RANK = 7;
const FACT_RANK = 8;

/**
 * Which resources there are on how many nodes, and of what kind they are.
 *
 * Looks only at what changed since it last looked: of thousands of nodes few do.
 */
export class Census {
  private readonly known = new Map<string, Node>();
  private readonly counts = new Map<string, Map<Kind, number>>();
  private sorted: readonly Column[] | null = null;

  /** The columns of these nodes in a sensible order; the same list as before if nothing changed. */
  columns(nodes: ReadonlyMap<string, Node>): readonly Column[] {
    for (const [uid, node] of nodes) {
      const before = this.known.get(uid);
      if (before === node) continue;
      this.compare(before, node);
      this.known.set(uid, node);
    }
    if (this.known.size > nodes.size) {
      for (const [uid, node] of this.known) {
        if (nodes.has(uid)) continue;
        this.compare(node, undefined);
        this.known.delete(uid);
      }
    }
    this.sorted ??= this.sort();
    return this.sorted;
  }

  private compare(before: Node | undefined, after: Node | undefined): void {
    for (const resource of after?.resources.values() ?? []) {
      const old = before?.resources.get(resource.endpoint);
      if (old?.value === resource.value && old !== undefined) continue;
      const kind = kindIn(resource);
      const kindBefore = old === undefined ? null : kindIn(old);
      if (kind === kindBefore) continue;
      this.count(resource.endpoint, kind, 1);
      if (kindBefore !== null) this.count(resource.endpoint, kindBefore, -1);
    }
    for (const resource of before?.resources.values() ?? []) {
      if (after?.resources.has(resource.endpoint) !== true) this.count(resource.endpoint, kindIn(resource), -1);
    }
  }

  private count(endpoint: string, kind: Kind, more: number): void {
    let kinds = this.counts.get(endpoint);
    if (kinds === undefined) this.counts.set(endpoint, (kinds = new Map<Kind, number>()));
    const count = (kinds.get(kind) ?? 0) + more;
    if (count > 0) kinds.set(kind, count);
    else kinds.delete(kind);
    if (kinds.size === 0) this.counts.delete(endpoint);
    this.sorted = null;
  }

  private sort(): readonly Column[] {
    const columns: (Column & { readonly rank: number })[] = [];
    for (const [endpoint, kinds] of this.counts) {
      if (endpoint === "name") continue;
      const [kind, count] = summed(kinds);
      columns.push({ id: columnOf(endpoint), kind, count, rank: rankOf(endpoint, kind) });
    }
    columns.sort((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
    columns.length = Math.min(columns.length, MOST_COLUMNS);
    columns.sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
    return columns.map(({ id, kind, count }) => ({ id, kind, count }));
  }
}

function kindIn({ endpoint, value }: Resource): Kind {
  return kindOf(endpoint, value);
}

/** The commonest kind, and how many there are of all; what is not known yet says nothing. */
function summed(kinds: ReadonlyMap<Kind, number>): [Kind, number] {
  let best: Kind = "unknown";
  let most = 0;
  let all = 0;
  for (const [kind, count] of kinds) {
    all += count;
    if (kind !== "unknown" && count > most) [best, most] = [kind, count];
  }
  return [best, all];
}

function rankOf(endpoint: string, kind: Kind): number {
  if (isFact(endpoint)) return FACT_RANK;
  return kind === "text" || kind === "message" ? TEXT_RANK : (RANKS[kind] ?? USUAL_RANK);
}

const LEADING = ["name", "availability", "heard", "protocol"];
/** The same where the table is narrow: there the name says how the node is, too. */
const LEADING_NARROW = ["name"];

/**
 * The columns to show: those that were chosen, or else those that the nodes have.
 *
 * The name is always the first. With very many resources only the commonest are there by
 * themselves; `hidden` are endpoints that are hidden on all nodes. In a narrow table values come
 * right after the name.
 */
export function shownColumns(
  chosen: readonly string[] | null,
  columns: readonly Column[],
  hidden: ReadonlySet<string>,
  { narrow = false } = {},
): readonly string[] {
  const visible = (id: string): boolean => !hidden.has(endpointOf(id) ?? "");
  if (chosen !== null) return [...new Set(["name", ...chosen])].slice(0, MOST_COLUMNS).filter(visible);
  const leading = (narrow ? LEADING_NARROW : LEADING).filter(visible);
  const usual = columns.filter(({ id }) => !leading.includes(id) && visible(id));
  const commonest = new Set(
    [...usual].sort((a, b) => b.count - a.count).slice(0, MOST_USUAL - leading.length).map(({ id }) => id), // prettier-ignore
  );
  return [...leading, ...usual.filter(({ id }) => commonest.has(id)).map(({ id }) => id)];
}

/** The list after a column moved by some places; the name stays the first. */
export function arranged(columns: readonly string[], id: string, by: number): readonly string[] {
  const from = columns.indexOf(id);
  if (from < 1) return columns;
  const to = Math.min(Math.max(from + by, 1), columns.length - 1);
  const list = columns.filter((each) => each !== id);
  list.splice(to, 0, id);
  return list;
}

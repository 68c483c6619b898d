// SPDX-License-Identifier: BSD-3-Clause
import type { Node } from "../state";
import { compareKeys, contentOf, keyOf, type Key, type Reader } from "./cells";
import type { Content } from "./filter";
import type { Sort } from "./params";

/** Which rows are wanted, and in which order. */
export interface Query {
  readonly sorts: readonly Sort[];
  /** What a row must pass, by column. */
  readonly filters: ReadonlyMap<string, (content: Content) => boolean>;
  /** Whether a node is wanted at all, before any column is looked at. */
  readonly wants: (node: Node) => boolean;
  /** Whether a node counts, be it wanted or not. */
  readonly counts: (node: Node) => boolean;
  readonly reader: Reader;
}

export interface Listing {
  /** The nodes that passed, in their order. */
  readonly uids: readonly string[];
  /** How many there are altogether. */
  readonly total: number;
}

interface Entry {
  node: Node;
  counts: boolean;
  passes: boolean;
  keys: readonly Key[];
}

/**
 * The rows of a table.
 *
 * Keeps what it knows of each node until that changes, and sorts on from the order there was: with
 * thousands of nodes the next listing costs what changed since the last.
 */
export class Rows {
  private query: Query | null = null;
  private entries = new Map<string, Entry>();
  private order: readonly string[] = [];
  private positions: ReadonlyMap<string, number> = new Map();
  private listing: Listing = { uids: [], total: 0 };

  /**
   * The listing of these nodes; the same object as before if nothing in it changed.
   *
   * `order` is that of rows between which no column decides; `wall` the time by the broker's clock.
   */
  list(nodes: ReadonlyMap<string, Node>, order: readonly string[], query: Query, wall: number): Listing {
    // An age grows without any news.
    const anew = this.query !== query || query.filters.has("heard");
    if (this.query !== query) this.entries = new Map();
    this.query = query;
    let changed = anew || this.order !== order;
    if (this.order !== order) {
      this.order = order;
      this.positions = new Map(order.map((uid, index) => [uid, index]));
    }
    for (const [uid, node] of nodes) {
      const before = this.entries.get(uid);
      if (before?.node === node && !anew) continue;
      const entry = entryOf(node, query, wall);
      changed ||= before === undefined || differs(before, entry);
      this.entries.set(uid, entry);
    }
    if (this.entries.size > nodes.size) {
      changed = true;
      for (const uid of this.entries.keys()) if (!nodes.has(uid)) this.entries.delete(uid);
    }
    if (changed) this.listing = same(this.listing, this.sorted(query.sorts));
    return this.listing;
  }

  private sorted(sorts: readonly Sort[]): Listing {
    let total = 0;
    for (const { counts } of this.entries.values()) total += Number(counts);
    const passes = (uid: string): boolean => this.entries.get(uid)?.passes === true;
    if (sorts.length === 0) return { uids: this.order.filter(passes), total };
    // What was in order before is nearly so now, which sorting makes use of.
    const before = this.listing.uids.filter(passes);
    const known = new Set(before);
    const uids = before.concat(this.order.filter((uid) => passes(uid) && !known.has(uid)));
    uids.sort((a, b) => this.compare(a, b, sorts));
    return { uids, total };
  }

  private compare(a: string, b: string, sorts: readonly Sort[]): number {
    const [keys, others] = [this.entries.get(a)?.keys ?? [], this.entries.get(b)?.keys ?? []];
    for (let index = 0; index < sorts.length; index += 1) {
      const order = compareKeys(keys[index] ?? null, others[index] ?? null, sorts[index]?.descending ?? false);
      if (order !== 0) return order;
    }
    return (this.positions.get(a) ?? 0) - (this.positions.get(b) ?? 0);
  }
}

function entryOf(node: Node, { sorts, filters, wants, counts, reader }: Query, wall: number): Entry {
  if (!counts(node)) return { node, counts: false, passes: false, keys: [] };
  let passes = wants(node);
  for (const [column, filter] of filters) {
    if (!passes) break;
    passes = filter(contentOf(node, column, reader, wall));
  }
  return { node, counts: true, passes, keys: passes ? sorts.map(({ column }) => keyOf(node, column, reader)) : [] };
}

function differs(a: Entry, b: Entry): boolean {
  return a.counts !== b.counts || a.passes !== b.passes || a.keys.some((key, index) => key !== b.keys[index]);
}

function same(before: Listing, after: Listing): Listing {
  const equal =
    before.total === after.total &&
    before.uids.length === after.uids.length &&
    before.uids.every((uid, index) => uid === after.uids[index]);
  return equal ? before : after;
}

/**
 * What is shown of a listing while rows must stay where they are.
 *
 * Rows stay though they would stand elsewhere by now, or no longer pass; nodes that are no more
 * are left out, and new rows come below, where they move none.
 */
export function heldStill(shown: readonly string[], next: readonly string[], isThere: (uid: string) => boolean): readonly string[] {
  const known = new Set(shown);
  const staying = shown.every(isThere) ? shown : shown.filter(isThere);
  const added = next.filter((uid) => !known.has(uid));
  return added.length === 0 ? staying : [...staying, ...added];
}

// SPDX-License-Identifier: BSD-3-Clause
import { MOST_ENTRIES, type Preferences } from "./preferences";
import type { Entry, Presence } from "./state";
import { givenName, inOrder, merged, titleOf } from "./title";

export const GROUPINGS = ["none", "protocol", "board", "os", "availability"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const PRESENCES = ["online", "late", "offline", "gone"] as const satisfies readonly Presence[];

/** What somebody chose that lists have to obey. */
export type Wishes = Pick<Preferences, "names" | "pinned" | "arranged" | "hiddenNodes">;

/** Nodes that have something in common. */
export interface Group {
  /** What it is that they have in common; empty for those that do not say. */
  readonly value: string;
  /** Whether they are those that were pinned, whatever else they are. */
  readonly pinned: boolean;
  readonly entries: readonly Entry[];
}

/**
 * All nodes that are to be seen, in their order.
 *
 * Those that were pinned come first, then those that were arranged by hand, then the others by the
 * name that they are shown by.
 */
export function arranged(roster: ReadonlyMap<string, Entry>, wishes: Wishes): readonly Entry[] {
  const hidden = new Set(wishes.hiddenNodes);
  const seen = byTitle(roster, wishes.names).filter(({ uid }) => !hidden.has(uid));
  const first = new Set([...wishes.pinned, ...wishes.arranged]);
  if (first.size === 0) return seen;
  const bySight = new Map(seen.map((entry) => [entry.uid, entry]));
  const chosen = [...first].flatMap((uid) => bySight.get(uid) ?? []);
  return [...chosen, ...seen.filter(({ uid }) => !first.has(uid))];
}

function byTitle(roster: ReadonlyMap<string, Entry>, names: Wishes["names"]): readonly Entry[] {
  const own: Entry[] = [];
  const given: { readonly uid: string; readonly title: string; readonly entry: Entry }[] = [];
  for (const entry of roster.values()) {
    const title = givenName(entry.uid, names);
    if (title === "") own.push(entry);
    else given.push({ uid: entry.uid, title, entry });
  }
  if (given.length === 0) return own;
  // The roster is sorted already, but for the few that go by another name here.
  const wrapped = own.map((entry) => ({ uid: entry.uid, title: entry.title, entry }));
  return merged(wrapped, given.sort(inOrder), inOrder).map(({ entry }) => entry);
}

/** The nodes that a filter lets through: `availability` as in `PRESENCES`, `q` some words. */
export function filtered(
  entries: readonly Entry[],
  { availability = "", q = "" }: { readonly availability?: string | undefined; readonly q?: string | undefined },
  names: Wishes["names"],
): readonly Entry[] {
  const presence = PRESENCES.find((each) => each === availability);
  const words = q.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (presence === undefined && words.length === 0) return entries;
  return entries.filter((entry) => {
    if (presence !== undefined && entry.presence !== presence) return false;
    if (words.length === 0) return true;
    const { uid, title, protocol, board, os } = entry;
    const text = [titleOf(entry, names), title, uid, protocol, board, os].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The nodes by what they have in common; those that were pinned are a group of their own. */
export function grouped(entries: readonly Entry[], grouping: Grouping, pinned: readonly string[]): readonly Group[] {
  if (grouping === "none") return [{ value: "", pinned: false, entries }];
  const first = new Set(pinned);
  const top = entries.filter(({ uid }) => first.has(uid));
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (first.has(entry.uid)) continue;
    const value = grouping === "availability" ? entry.presence : entry[grouping];
    const group = groups.get(value);
    if (group === undefined) groups.set(value, [entry]);
    else group.push(entry);
  }
  const ranks = new Map<string, number>(PRESENCES.map((presence, rank) => [presence, rank]));
  const rest = [...groups]
    .sort(([a], [b]) =>
      grouping === "availability"
        ? (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0)
        : inOrder({ uid: a, title: a }, { uid: b, title: b }),
    )
    .map(([value, members]): Group => ({ value, pinned: false, entries: members }));
  return top.length === 0 ? rest : [{ value: "", pinned: true, entries: top }, ...rest];
}

/**
 * What has to be preferred so that a node stands before (or behind) another one.
 *
 * `order` are all nodes as they are listed, not only those that a filter lets through. Null where
 * it makes no sense: pinned ones stay before the others.
 */
export function placed(
  order: readonly string[],
  wishes: Pick<Wishes, "pinned" | "arranged">,
  uid: string,
  beside: { readonly uid: string; readonly behind: boolean },
): Partial<Pick<Wishes, "pinned" | "arranged">> | null {
  const pinned = new Set(wishes.pinned);
  if (uid === beside.uid || pinned.has(uid) !== pinned.has(beside.uid)) return null;
  if (pinned.has(uid)) return { pinned: moved(wishes.pinned, uid, beside) };
  const next = moved(order.filter((each) => !pinned.has(each)), uid, beside);
  // Nodes that are not there now keep their place for the day that they come back.
  const present = new Set(next);
  const waiting = [...next];
  const all = wishes.arranged.flatMap((each) => (present.has(each) ? (waiting.shift() ?? []) : each));
  return { arranged: [...all, ...waiting].slice(0, MOST_ENTRIES) };
}

function moved(
  order: readonly string[],
  uid: string,
  beside: { readonly uid: string; readonly behind: boolean },
): readonly string[] {
  const others = order.filter((each) => each !== uid);
  const index = others.indexOf(beside.uid);
  others.splice(beside.behind ? index + 1 : index, 0, uid);
  return others;
}

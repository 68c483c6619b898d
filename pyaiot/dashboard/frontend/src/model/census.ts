// SPDX-License-Identifier: BSD-3-Clause
import type { Entry, Presence } from "./state";

export const PRESENCES = ["online", "late", "offline", "gone"] as const satisfies readonly Presence[];

/** How many nodes are online, late, offline and gone, not counting those that are hidden. */
export function census(nodes: Iterable<Pick<Entry, "uid" | "presence">>, hidden: ReadonlySet<string>): Readonly<Record<Presence, number>> {
  const counts = { online: 0, late: 0, offline: 0, gone: 0 };
  for (const { uid, presence } of nodes) {
    if (!hidden.has(uid)) counts[presence] += 1;
  }
  return counts;
}

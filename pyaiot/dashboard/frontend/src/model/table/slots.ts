// SPDX-License-Identifier: BSD-3-Clause

/** Which of the places on the screen each row has; a place is used again once its row has left. */
export type Slots = ReadonlyMap<string, number>;

export const NO_SLOTS: Slots = new Map();

/**
 * The places of these rows.
 *
 * Who has one keeps it, so that whatever has the focus or is under a finger stays the same; who
 * comes takes one that somebody left. So scrolling fills what is there rather than making it anew.
 */
export function slotsFor(before: Slots, uids: readonly string[]): Slots {
  const slots = new Map<string, number>();
  const taken = new Set<number>();
  for (const uid of uids) {
    const slot = before.get(uid);
    if (slot === undefined) continue;
    slots.set(uid, slot);
    taken.add(slot);
  }
  let next = 0;
  for (const uid of uids) {
    if (slots.has(uid)) continue;
    while (taken.has(next)) next += 1;
    slots.set(uid, next);
    next += 1;
  }
  return slots;
}

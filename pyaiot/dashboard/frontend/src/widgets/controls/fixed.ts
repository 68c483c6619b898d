// SPDX-License-Identifier: BSD-3-Clause
import { shallowReactive } from "vue";

const fixed: Set<string> = shallowReactive(new Set());

/** Whether a node said, since the page was opened, that this resource cannot be set. */
export function isFixed(uid: string, endpoint: string): boolean {
  return fixed.has(`${uid}/${endpoint}`);
}

export function remember(uid: string, endpoint: string): void {
  fixed.add(`${uid}/${endpoint}`);
}

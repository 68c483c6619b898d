// SPDX-License-Identifier: BSD-3-Clause
import { shallowReactive } from "vue";

/** Scripts that were changed, and neither sent nor given up, by node and resource. */
const drafts: Map<string, string> = shallowReactive(new Map());

export function draftOf(uid: string, endpoint: string): string | undefined {
  return drafts.get(`${uid}/${endpoint}`);
}

/** Keep what somebody wrote, also while no editor is open; null forgets it. */
export function keepDraft(uid: string, endpoint: string, text: string | null): void {
  if (text === null) drafts.delete(`${uid}/${endpoint}`);
  else drafts.set(`${uid}/${endpoint}`, text);
}

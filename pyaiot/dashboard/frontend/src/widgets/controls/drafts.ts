// SPDX-License-Identifier: BSD-3-Clause
import { shallowReactive } from "vue";

/** A script that was changed, and neither sent nor given up. */
export interface ScriptDraft {
  readonly text: string;
  /** What the node had when it was begun. */
  readonly base: string;
}

const drafts: Map<string, ScriptDraft> = shallowReactive(new Map());

export function draftOf(uid: string, endpoint: string): ScriptDraft | undefined {
  return drafts.get(`${uid}/${endpoint}`);
}

/** Keep what somebody wrote, also while no editor is open; null forgets it. */
export function keepDraft(uid: string, endpoint: string, draft: ScriptDraft | null): void {
  if (draft === null) drafts.delete(`${uid}/${endpoint}`);
  else drafts.set(`${uid}/${endpoint}`, draft);
}

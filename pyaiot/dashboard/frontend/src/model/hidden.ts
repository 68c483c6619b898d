// SPDX-License-Identifier: BSD-3-Clause

/** Stands for all nodes in `Preferences.hiddenResources`. */
export const EVERYWHERE = "*";

/** How `Preferences.hiddenResources` names a resource of a node, or of all nodes. */
export function hiddenKey(uid: string, endpoint: string): string {
  return `${uid}/${endpoint}`;
}

export function isHidden(hidden: ReadonlySet<string>, uid: string, endpoint: string): boolean {
  return hidden.size > 0 && (hidden.has(hiddenKey(EVERYWHERE, endpoint)) || hidden.has(hiddenKey(uid, endpoint)));
}

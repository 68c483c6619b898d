// SPDX-License-Identifier: BSD-3-Clause
import { computed } from "vue";

import { EVERYWHERE, hiddenKey, isHidden } from "./model/hidden";
import { preferences, prefer } from "./settings";

const resources = computed(() => new Set(preferences.value.hiddenResources));
const nodes = computed(() => new Set(preferences.value.hiddenNodes));

/** Whether somebody does not want to see a resource, of this node or of any. */
export function resourceHidden(uid: string, endpoint: string): boolean {
  return isHidden(resources.value, uid, endpoint);
}

/** Whether somebody does not want to see a node. */
export function nodeHidden(uid: string): boolean {
  return nodes.value.has(uid);
}

export function hideNode(uid: string): void {
  prefer({ hiddenNodes: [...new Set(nodes.value).add(uid)] });
}

/** Hide a resource of one node, or of all. */
export function hideResource(uid: string, endpoint: string, { everywhere = false } = {}): void {
  const key = hiddenKey(everywhere ? EVERYWHERE : uid, endpoint);
  prefer({ hiddenResources: [...new Set(resources.value).add(key)] });
}

/** Show all resources of a node again, also those that are hidden on every node. */
export function showResources(uid: string, endpoints: Iterable<string>): void {
  const shown = new Set(resources.value);
  for (const endpoint of endpoints) {
    shown.delete(hiddenKey(uid, endpoint));
    shown.delete(hiddenKey(EVERYWHERE, endpoint));
  }
  prefer({ hiddenResources: [...shown] });
}

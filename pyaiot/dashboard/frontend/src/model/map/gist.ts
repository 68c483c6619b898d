// SPDX-License-Identifier: BSD-3-Clause
import type { Node, Resource } from "../state";
import { isFact, kindOf } from "../value";
import { POSITION } from "./position";

/** What people look for first. */
const FIRST = ["temperature", "humidity", "pressure", "eco2", "tvoc", "illuminance", "led"];

/** Whether a resource is shown; see `Preferences.hiddenResources`. */
export type Shown = (node: Node, resource: Resource) => boolean;

export function shownUnless(hidden: readonly string[]): Shown {
  const names = new Set(hidden);
  return ({ uid }, { endpoint }) => !names.has(`${uid}/${endpoint}`) && !names.has(`*/${endpoint}`);
}

/** The few readings that say most about a node, the foremost first. */
export function gistOf(node: Node, most: number, isShown: Shown): readonly Resource[] {
  const ranked: { readonly resource: Resource; readonly rank: number }[] = [];
  for (const resource of node.resources.values()) {
    const rank = isShown(node, resource) ? rankOf(resource) : null;
    if (rank !== null) ranked.push({ resource, rank });
  }
  ranked.sort((one, other) => one.rank - other.rank);
  return ranked.slice(0, most).map(({ resource }) => resource);
}

function rankOf({ endpoint, value }: Resource): number | null {
  if (isFact(endpoint) || endpoint === POSITION) return null;
  const first = FIRST.indexOf(endpoint);
  if (first >= 0) return first;
  const kind = kindOf(endpoint, value);
  if (kind === "number") return FIRST.length;
  if (kind === "toggle") return FIRST.length + 1;
  return kind === "text" || kind === "unknown" ? FIRST.length + 2 : null;
}

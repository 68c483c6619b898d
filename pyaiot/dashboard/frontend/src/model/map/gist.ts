// SPDX-License-Identifier: BSD-3-Clause
import { isHidden } from "../hidden";
import type { Node, Resource } from "../state";
import { isFact, kindOf } from "../value";
import { POSITION } from "./position";

/** What people look for first. */
const FIRST = ["temperature", "humidity", "pressure", "eco2", "tvoc", "illuminance", "led"];

/** The few readings that say most about a node, the foremost first; `hidden` as in `Preferences.hiddenResources`. */
export function gistOf(node: Node, most: number, hidden: ReadonlySet<string>): readonly Resource[] {
  const ranked: { readonly resource: Resource; readonly rank: number }[] = [];
  for (const resource of node.resources.values()) {
    const rank = isHidden(hidden, node.uid, resource.endpoint) ? null : rankOf(resource);
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
  if (kind === "toggle" || kind === "indicator") return FIRST.length + 1;
  return kind === "text" || kind === "unknown" ? FIRST.length + 2 : null;
}

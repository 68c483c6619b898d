// SPDX-License-Identifier: BSD-3-Clause
import { presenceOf, type Node, type State } from "../state";
import type { Standing } from "./clusters";
import type { Size } from "./camera";
import type { Spot } from "./mercator";
import { POSITION } from "./position";
import type { Whereabouts } from "./whereabouts";

/** Why a node is not on the ground: it says no position, none that makes sense, or nobody placed it. */
export type Absence = "silent" | "nonsense" | "unplaced";

/** Which nodes stand where. */
export interface Survey {
  readonly standing: readonly Standing[];
  readonly absent: readonly { readonly uid: string; readonly why: Absence }[];
}

export const NOBODY: Survey = { standing: [], absent: [] };

/** The nodes on the map of the world. */
export function surveyWorld(nodes: readonly Node[], whereabouts: Whereabouts): Survey {
  return survey(nodes, (node) => whereabouts.of(node) ?? (node.resources.has(POSITION) ? "nonsense" : "silent"));
}

/** The nodes on a floor plan; `spots` are parts of its width and height. */
export function surveyPlan(
  nodes: readonly Node[],
  spots: Readonly<Record<string, readonly [number, number]>>,
  ground: Size,
): Survey {
  return survey(nodes, ({ uid }) => {
    const spot = Object.hasOwn(spots, uid) ? spots[uid] : undefined;
    return spot === undefined ? "unplaced" : { x: spot[0] * ground.width, y: spot[1] * ground.height };
  });
}

function survey(nodes: readonly Node[], find: (node: Node) => Spot | Absence): Survey {
  const standing: Standing[] = [];
  const absent: { uid: string; why: Absence }[] = [];
  for (const node of nodes) {
    const found = find(node);
    if (typeof found === "string") absent.push({ uid: node.uid, why: found });
    else standing.push({ uid: node.uid, x: found.x, y: found.y, presence: presenceOf(node) });
  }
  return { standing, absent };
}

/** `next`, or `before` where they say the same: then nothing has to be drawn anew. */
export function unlessSame(before: Survey, next: Survey): Survey {
  const isSame =
    before.standing.length === next.standing.length &&
    before.absent.length === next.absent.length &&
    next.standing.every((each, at) => {
      const other = before.standing[at];
      return other?.uid === each.uid && other.x === each.x && other.y === each.y && other.presence === each.presence;
    }) &&
    next.absent.every((each, at) => before.absent[at]?.uid === each.uid && before.absent[at].why === each.why);
  return isSame ? before : next;
}

/** The nodes of a state in its order, but for those that are hidden or do not match. */
export function chosenNodes(state: State, matches: (node: Node) => boolean): readonly Node[] {
  const nodes: Node[] = [];
  for (const uid of state.order) {
    const node = state.nodes.get(uid);
    if (node !== undefined && matches(node)) nodes.push(node);
  }
  return nodes;
}

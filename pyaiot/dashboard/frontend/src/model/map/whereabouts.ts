// SPDX-License-Identifier: BSD-3-Clause
import type { Node, Resource } from "../state";
import { spotOf, type Spot } from "./mercator";
import { POSITION, positionOf } from "./position";

/**
 * Where on earth nodes say they are.
 *
 * The text of a position is read once, not each time somebody asks: most nodes never move.
 */
export class Whereabouts {
  private readonly known = new WeakMap<Resource, Spot | null>();

  /** The spot of a node on the map of the world, or null where it says none that makes sense. */
  of(node: Node): Spot | null {
    const resource = node.resources.get(POSITION);
    if (resource === undefined) return null;
    let spot = this.known.get(resource);
    if (spot === undefined) {
      const position = positionOf(resource.value);
      spot = position === null ? null : spotOf(position);
      this.known.set(resource, spot);
    }
    return spot;
  }
}

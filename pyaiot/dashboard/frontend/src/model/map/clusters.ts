// SPDX-License-Identifier: BSD-3-Clause
import Supercluster from "supercluster";

import type { Presence } from "../state";
import { TILE, type Box } from "./camera";
import { clamp, placeAt, spotOf, type Spot } from "./mercator";

/** A node on the ground. */
export interface Standing extends Spot {
  readonly uid: string;
  readonly presence: Presence;
}

export type Counts = Readonly<Record<Presence, number>>;

/** Nodes so near each other that their marks would lie on each other. */
export interface Cluster extends Spot {
  readonly id: number;
  readonly counts: Counts;
  readonly total: number;
}

/** How near to each other two marks may stand, in pixels. */
const APART = 46;
/** Nobody looks nearer than that: who stands together here stands at one place. */
const NEAREST = 21;

interface Told { readonly uid: string; readonly presence: Presence }

/** Which nodes are shown by a mark of their own, and which by one for several. */
export class Clusters {
  private readonly index: Supercluster<Told, Record<Presence, number>>;
  /** Together with the number of a cluster it says which nodes those are; other maps reuse numbers. */
  readonly all: readonly Standing[];

  constructor(all: readonly Standing[]) {
    this.all = all;
    this.index = new Supercluster<Told, Record<Presence, number>>({
      radius: APART,
      extent: TILE,
      maxZoom: NEAREST,
      map: ({ presence }) => ({ ...NONE, [presence]: 1 }),
      reduce: (sum, more) => {
        for (const presence of PRESENCES) sum[presence] += more[presence];
      },
    });
    this.index.load(
      all.map(({ x, y, uid, presence }) => {
        const { lat, lng } = placeAt({ x, y });
        return { type: "Feature", geometry: { type: "Point", coordinates: [lng, lat] }, properties: { uid, presence } };
      }),
    );
  }

  /** What is in a part of the ground, at a zoom. */
  within(box: Box, zoom: number): { readonly singles: readonly Standing[]; readonly clusters: readonly Cluster[] } {
    const singles: Standing[] = [];
    const clusters: Cluster[] = [];
    const from = placeAt({ x: clamp(box.left, 0, 1), y: clamp(box.bottom, 0, 1) });
    const to = placeAt({ x: clamp(box.right, 0, 1), y: clamp(box.top, 0, 1) });
    const level = Math.min(Math.floor(zoom), NEAREST);
    for (const { geometry, properties } of this.index.getClusters([from.lng, from.lat, to.lng, to.lat], level)) {
      const [lng = 0, lat = 0] = geometry.coordinates;
      const spot = spotOf({ lat, lng });
      if ("cluster_id" in properties) {
        const { cluster_id: id, point_count: total, online, late, offline, gone } = properties;
        clusters.push({ ...spot, id, total, counts: { online, late, offline, gone } });
      } else {
        singles.push({ ...spot, ...(properties) });
      }
    }
    return { singles, clusters };
  }

  /** The zoom at which a cluster falls apart, or null if it never does. */
  apartAt(id: number): number | null {
    const zoom = this.index.getClusterExpansionZoom(id);
    return zoom > NEAREST ? null : zoom;
  }

  /** The nodes of a cluster, and where they stand. */
  members(id: number): readonly Standing[] {
    return this.index.getLeaves(id, Infinity).map(({ geometry, properties }) => {
      const [lng = 0, lat = 0] = geometry.coordinates;
      return { ...spotOf({ lat, lng }), ...properties };
    });
  }
}

export const PRESENCES = ["online", "late", "offline", "gone"] as const satisfies readonly Presence[];
const NONE: Record<Presence, number> = { online: 0, late: 0, offline: 0, gone: 0 };

/** A mark of its own for each, where none may hide behind another. */
export function eachAlone(all: readonly Standing[], box: Box): readonly Standing[] {
  return all.filter(({ x, y }) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
}


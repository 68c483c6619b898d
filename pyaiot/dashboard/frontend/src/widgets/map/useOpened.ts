// SPDX-License-Identifier: BSD-3-Clause
import { computed, shallowRef, type ComputedRef, type ShallowRef } from "vue";

import { fitted, seenAt, type Size } from "../../model/map/camera";
import type { Cluster, Clusters, Standing } from "../../model/map/clusters";
import { clamp, type Spot } from "../../model/map/mercator";
import type { Survey } from "../../model/map/survey";
import type { Node } from "../../model/state";
import { usePage } from "../../page";
import { t } from "../../words";
import { nameOf } from "./names";
import { NARROW } from "./narrow";
import type { Ground } from "./useGround";
import type { Outlook } from "./useOutlook";

/** The part of a narrow map that a window leaves free, and how near marks then are to the edge, in pixels. */
const FREE_PART = 0.26;
const NEAR_EDGE = 40;

type What = { readonly uid: string } | { readonly members: readonly Standing[]; readonly spot: Spot };

/** What the small window over the map tells of: one node, or several in the same place. */
export interface Told {
  readonly title: string;
  readonly spot: Spot;
  readonly node: Node | null;
  readonly members: readonly Standing[];
}

export interface Opened {
  readonly told: ComputedRef<Told | null>;
  /** The pixel of the map that it tells of. */
  readonly at: ComputedRef<Spot>;
  /** Tell of a node; `mark` gets the focus back. */
  openNode: (uid: string, mark: HTMLElement) => void;
  /** Come nearer until the nodes of a cluster stand apart; where they never do, tell of all of them. True if it came nearer. */
  openCluster: (cluster: Cluster, mark: HTMLElement) => boolean;
  pick: (uid: string) => void;
  close: () => void;
  /** Close it, whoever has the focus. */
  forget: () => void;
}

/** The small window over the map. */
export function useOpened(
  surface: Readonly<ShallowRef<HTMLElement | null>>,
  size: Readonly<ShallowRef<Size>>,
  { survey, clusters, ground, outlook }: {
    readonly survey: Readonly<ShallowRef<Survey>>;
    readonly clusters: ComputedRef<Clusters>;
    readonly ground: Ground;
    readonly outlook: Outlook;
  },
): Opened {
  const page = usePage();
  const { lens } = outlook;
  const what = shallowRef<What | null>(null);
  /** What gets the focus back. */
  let opener: HTMLElement | null = null;

  function spotOf(uid: string): Standing | undefined {
    return survey.value.standing.find((each) => each.uid === uid);
  }

  const told = computed<Told | null>(() => {
    if (what.value === null) return null;
    if ("members" in what.value) {
      const { members, spot } = what.value;
      return { title: t("map.same_place", { count: members.length }), spot, node: null, members };
    }
    const node = page.state.value.nodes.get(what.value.uid);
    const spot = spotOf(what.value.uid);
    return node === undefined || spot === undefined ? null : { title: nameOf(node), spot, node, members: [] };
  });

  /** On a narrow map the window lies over the lower part: what it tells of should not lie below it. */
  function keepInSight(spot: Spot): void {
    const { x, y } = seenAt(lens.target(), size.value, spot);
    const [left, most] = [Math.min(0, x - NEAR_EDGE) + Math.max(0, x - size.value.width + NEAR_EDGE), size.value.height * FREE_PART];
    if (left !== 0 || y > most || y < NEAR_EDGE) lens.pan(left, y - most, { gliding: true });
  }

  function pick(uid: string): void {
    what.value = { uid };
    const spot = spotOf(uid);
    if (spot !== undefined && size.value.width < NARROW) keepInSight(spot);
  }

  return {
    told,
    at: computed(() => (told.value === null ? { x: 0, y: 0 } : seenAt(lens.camera.value, size.value, told.value.spot))),
    openNode: (uid, mark) => {
      opener = mark;
      pick(uid);
    },
    openCluster: (cluster, mark) => {
      const zoom = clusters.value.apartAt(cluster.id);
      const members = clusters.value.members(cluster.id);
      if (zoom === null) {
        opener = mark;
        what.value = { members, spot: cluster };
        return false;
      }
      const all = fitted(members, size.value, ground.reach.value);
      outlook.look({ ...all, zoom: clamp(all.zoom, zoom, ground.reach.value.nearest) });
      return true;
    },
    pick,
    close: () => {
      what.value = null;
      if (opener?.isConnected === true) opener.focus({ preventScroll: true });
      else surface.value?.focus({ preventScroll: true });
    },
    forget: () => {
      what.value = null;
    },
  };
}

// SPDX-License-Identifier: BSD-3-Clause
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { place } from "../../address";
import { useConfig } from "../../config";
import type { Reach, Size } from "../../model/map/camera";
import { NEAREST_TILE } from "../../model/map/tiles";
import { preferences } from "../../settings";

/** What nodes stand on: the outlines of the world, tiles of a server, or a floor plan. */
export type GroundName = (typeof GROUNDS)[number];

const GROUNDS = ["world", "tiles", "plan"] as const;
const SQUARE: Size = { width: 1, height: 1 };
/** How near one may look, and how near the map goes by itself to show all nodes. */
const NEAREST: Readonly<Record<GroundName, number>> = { world: 21, tiles: NEAREST_TILE + 2, plan: 9 };
const NEAREST_ALONE: Readonly<Record<GroundName, number>> = { world: 6.5, tiles: 16, plan: 4 };
/** How near the map goes to show a node that somebody asked for. */
const NEAREST_ONE: Readonly<Record<GroundName, number>> = { world: 6.5, tiles: 16, plan: 2 };

export interface Ground {
  /** Those that can be chosen. */
  readonly all: ComputedRef<readonly GroundName[]>;
  readonly name: ComputedRef<GroundName>;
  readonly isPlan: ComputedRef<boolean>;
  /** The size of the plan; null until it is known. */
  readonly planSize: ShallowRef<Size | null>;
  /** The plan's size, or that of the world. */
  readonly size: ComputedRef<Size | null>;
  readonly reach: ComputedRef<Reach>;
  /** Whether what it is made of could not be had. */
  readonly missing: Ref<boolean>;
  readonly nearestAlone: ComputedRef<number>;
  readonly nearestOne: ComputedRef<number>;
}

/** The ground that the address names, or else the one that somebody likes. */
export function useGround(): Ground {
  const { map: offered } = useConfig();
  const planSize = shallowRef<Size | null>(null);
  const all = computed(() => GROUNDS.filter((each) => each === "world" || offered[each] !== null));
  const name = computed<GroundName>(() => {
    const wanted = [place.value.params.ground, preferences.value.ground];
    return wanted.map((each) => all.value.find((other) => other === each)).find((each) => each !== undefined) ?? "world";
  });
  const isPlan = computed(() => name.value === "plan");
  const size = computed(() => (isPlan.value ? (planSize.value ?? SQUARE) : null));
  return {
    all,
    name,
    isPlan,
    planSize,
    size,
    reach: computed(() => ({ nearest: NEAREST[name.value], ground: size.value ?? SQUARE })),
    missing: ref(false),
    nearestAlone: computed(() => NEAREST_ALONE[name.value]),
    nearestOne: computed(() => NEAREST_ONE[name.value]),
  };
}

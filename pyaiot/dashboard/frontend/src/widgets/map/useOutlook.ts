// SPDX-License-Identifier: BSD-3-Clause
import { computed, onUnmounted, watch, type ComputedRef, type ShallowRef } from "vue";

import { go, place } from "../../address";
import { earthCamera, earthText, fitted, planCamera, planText, seenAt, type Camera, type Size } from "../../model/map/camera";
import type { Standing } from "../../model/map/clusters";
import type { Spot } from "../../model/map/mercator";
import type { Survey } from "../../model/map/survey";
import { useCamera, type Lens } from "./useCamera";
import type { Ground } from "./useGround";

/** Pixels that a key moves the map. */
const STEP = 90;
/** How long the map rests before the address follows, in milliseconds. */
const REST = 250;

export interface Outlook {
  readonly lens: Lens;
  readonly isReady: ComputedRef<boolean>;
  /** All nodes from now on, whoever comes. */
  showAll: () => void;
  /** Somebody chose what to look at: it stays in sight until somebody looks elsewhere. */
  hold: () => void;
  /** The same, and the address is to follow. */
  look: (camera: Camera) => void;
  lookAt: (spot: Spot) => void;
  isSeen: (spot: Spot) => boolean;
  /** Another ground has other addresses. */
  forget: () => void;
  /** Move by a key; what is pressed on the map itself moves it by arrows, too. */
  keyed: (event: KeyboardEvent, onSurface: boolean) => void;
}

/** What the map looks at: what the address says, what somebody chose, or else all nodes. */
export function useOutlook(
  size: Readonly<ShallowRef<Size>>,
  ground: Ground,
  survey: Readonly<ShallowRef<Survey>>,
  selected: ComputedRef<Standing | null>,
): Outlook {
  const { reach, isPlan, planSize } = ground;
  /** Whether somebody chose what to look at; otherwise the map shows all nodes, whoever comes. */
  let held = false;
  /** What the address says, as far as it was this view that said it. */
  let said: string | undefined;
  let rest = 0;

  const lens = useCamera(size, reach, () => {
    held = true;
    tellSoon();
  });
  const { camera } = lens;
  const isReady = computed(() => size.value.width > 0 && (!isPlan.value || planSize.value !== null));

  function everything(): Camera {
    // On a plan it also matters where nobody stands.
    return fitted(isPlan.value ? [] : survey.value.standing, size.value, reach.value, ground.nearestAlone.value);
  }

  function linked(): Camera | null {
    const { at } = place.value.params;
    return isPlan.value ? planCamera(at, reach.value.ground) : earthCamera(at);
  }

  function tellSoon(): void {
    clearTimeout(rest);
    rest = window.setTimeout(() => {
      said = isPlan.value ? planText(camera.value, reach.value.ground) : earthText(camera.value);
      go({ params: { at: said, ground: ground.name.value } }, { quietly: true });
    }, REST);
  }

  function showAll(): void {
    held = false;
    said = undefined;
    clearTimeout(rest);
    lens.glide(everything());
    go({ params: { at: null } }, { quietly: true });
  }

  function isSeen(spot: Spot): boolean {
    const { x, y } = seenAt(camera.value, size.value, spot);
    return x >= 0 && y >= 0 && x <= size.value.width && y <= size.value.height;
  }

  function look(next: Camera): void {
    held = true;
    lens.glide(next);
    tellSoon();
  }

  function lookAt(spot: Spot): void {
    look({ x: spot.x, y: spot.y, zoom: Math.max(camera.value.zoom, ground.nearestOne.value) });
  }

  function begin(): void {
    const link = linked();
    said = place.value.params.at;
    held = link !== null;
    lens.set(link ?? everything());
    if (selected.value !== null && !isSeen(selected.value)) lookAt(selected.value);
  }

  watch([isReady, ground.name], () => {
    ground.missing.value = false;
    if (isReady.value) begin();
  });
  watch(size, () => {
    if (held) lens.set(camera.value);
    else if (isReady.value) lens.set(everything());
  });
  watch(survey, (now, before) => {
    if (!isReady.value || held) return;
    // Who changes nothing but its availability, or moves within sight, moves nothing else.
    if (before.standing.length !== now.standing.length || !now.standing.every(isSeen)) lens.glide(everything());
  });
  watch(
    () => place.value.params.at,
    (at) => {
      if (at === said || !isReady.value) return;
      const link = linked();
      if (link !== null) [held, said] = [true, at];
      if (link !== null) lens.glide(link);
    },
  );
  watch(
    () => selected.value?.uid,
    () => {
      if (isReady.value && selected.value !== null) lookAt(selected.value);
    },
  );
  onUnmounted(() => {
    clearTimeout(rest);
  });

  function keyed(event: KeyboardEvent, onSurface: boolean): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const gliding = { gliding: true };
    const acts: Readonly<Record<string, () => void>> = {
      "+": () => { lens.approach(1, undefined, gliding); },
      "=": () => { lens.approach(1, undefined, gliding); },
      "-": () => { lens.approach(-1, undefined, gliding); },
      Home: showAll,
      ...(onSurface && {
        ArrowLeft: () => { lens.pan(-STEP, 0, gliding); },
        ArrowRight: () => { lens.pan(STEP, 0, gliding); },
        ArrowUp: () => { lens.pan(0, -STEP, gliding); },
        ArrowDown: () => { lens.pan(0, STEP, gliding); },
      }),
    };
    const act = acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }

  return {
    lens,
    isReady,
    showAll,
    hold: () => {
      held = true;
    },
    look,
    lookAt,
    isSeen,
    forget: () => {
      said = undefined;
    },
    keyed,
  };
}

// SPDX-License-Identifier: BSD-3-Clause
import { onMounted, onUnmounted, type ShallowRef } from "vue";

import type { Spot } from "../../model/map/mercator";
import type { Lens } from "./useCamera";

/** Pixels that a finger may tremble before it is taken to drag. */
const TREMBLE = 5;
/** Steps nearer for a pixel of the wheel, and for one of two fingers on a touchpad. */
const WHEEL = 0.0025;
const TOUCHPAD = 0.01;
/** Pixels of a line, where a wheel counts lines. */
const LINE = 30;

/** Drag, pinch, wheel and double click on the map. What is marked `data-still` is left alone. */
export function useGestures(element: Readonly<ShallowRef<HTMLElement | null>>, lens: Lens): void {
  const pointers = new Map<number, Spot>();
  let dragging = false;
  let began: Spot = { x: 0, y: 0 };

  function spotIn({ clientX, clientY }: MouseEvent): Spot {
    const { left, top } = element.value?.getBoundingClientRect() ?? { left: 0, top: 0 };
    return { x: clientX - left, y: clientY - top };
  }

  function isLeftAlone({ target }: Event): boolean {
    return target instanceof Element && target.closest("[data-still]") !== null;
  }

  function pressed(event: PointerEvent): void {
    if (event.button !== 0 || isLeftAlone(event) || pointers.size >= 2) return;
    const spot = spotIn(event);
    pointers.set(event.pointerId, spot);
    if (pointers.size === 1) [began, dragging] = [spot, false];
    else drag();
  }

  function drag(): void {
    dragging = true;
    // Only now: a press that moves nothing is a click on what is below.
    for (const id of pointers.keys()) element.value?.setPointerCapture(id);
  }

  function moved(event: PointerEvent): void {
    const before = pointers.get(event.pointerId);
    if (before === undefined) return;
    const spot = spotIn(event);
    if (!dragging) {
      if (Math.hypot(spot.x - began.x, spot.y - began.y) < TREMBLE) return;
      drag();
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, spot);
    if (other === undefined) {
      lens.pan(before.x - spot.x, before.y - spot.y);
      return;
    }
    const [wasApart, isApart] = [before, spot].map((each) => Math.hypot(each.x - other.x, each.y - other.y)) as [number, number];
    lens.pan((before.x - spot.x) / 2, (before.y - spot.y) / 2);
    if (wasApart > 0 && isApart > 0) {
      lens.approach(Math.log2(isApart / wasApart), { x: (spot.x + other.x) / 2, y: (spot.y + other.y) / 2 });
    }
  }

  function released(event: PointerEvent): void {
    pointers.delete(event.pointerId);
    began = [...pointers.values()][0] ?? began;
  }

  function wheeled(event: WheelEvent): void {
    if (isLeftAlone(event)) return;
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * LINE;
    // Browsers tell a pinch on a touchpad as a wheel with Ctrl.
    lens.approach(Math.max(-1, Math.min(1, -pixels * (event.ctrlKey ? TOUCHPAD : WHEEL))), spotIn(event));
  }

  function doubled(event: MouseEvent): void {
    if (isLeftAlone(event) || (event.target instanceof Element && event.target.closest("button") !== null)) return;
    lens.approach(event.shiftKey ? -1 : 1, spotIn(event), { gliding: true });
  }

  const listeners = new AbortController();
  onMounted(() => {
    const { signal } = listeners;
    element.value?.addEventListener("pointerdown", pressed, { signal });
    element.value?.addEventListener("pointermove", moved, { signal });
    element.value?.addEventListener("pointerup", released, { signal });
    element.value?.addEventListener("pointercancel", released, { signal });
    element.value?.addEventListener("wheel", wheeled, { signal, passive: false });
    element.value?.addEventListener("dblclick", doubled, { signal });
    window.addEventListener("pointerup", released, { signal });
  });
  onUnmounted(() => {
    listeners.abort();
  });
}

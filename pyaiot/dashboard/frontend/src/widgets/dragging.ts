// SPDX-License-Identifier: BSD-3-Clause
import { onBeforeUnmount, reactive, type Ref } from "vue";

import type { Wall } from "../model/masonry";

/** How near to the edge of the window a card must be held for the page to scroll, in pixels. */
const EDGE = 70;
/** How far it then scrolls in a frame at most. */
const STEP = 18;

interface Ground {
  readonly grid: Readonly<Ref<HTMLElement | null>>;
  readonly wall: Readonly<Ref<Wall>>;
  readonly columnWidth: Readonly<Ref<number>>;
  readonly gap: number;
  mayStandBeside(uid: string, other: string): boolean;
  put(uid: string, beside: string, behind: boolean): void;
}

/** Where a card would stand if it were let go now; `uid` is empty while none is held. */
export interface Drag {
  readonly uid: string;
  readonly beside: string;
  readonly behind: boolean;
}

/** Lets somebody take cards with the pointer and put them elsewhere. Escape puts one back. */
export function dragging(ground: Ground): { drag: Drag; grab: (uid: string, event: PointerEvent) => void } {
  const drag = reactive({ uid: "", beside: "", behind: false });
  let pointer = { x: 0, y: 0 };
  let frame = 0;
  let stop: (() => void) | null = null;

  function grab(uid: string, event: PointerEvent): void {
    if (event.button !== 0 || stop !== null) return;
    event.preventDefault();
    pointer = { x: event.clientX, y: event.clientY };
    Object.assign(drag, { uid, beside: "", behind: false });
    const listening = new AbortController();
    const { signal } = listening;
    stop = () => {
      listening.abort();
      cancelAnimationFrame(frame);
      Object.assign(drag, { uid: "", beside: "", behind: false });
      stop = null;
    };
    const moved = (next: PointerEvent): void => {
      if (next.pointerId !== event.pointerId) return;
      pointer = { x: next.clientX, y: next.clientY };
      aim();
    };
    const released = (next: PointerEvent): void => {
      if (next.pointerId !== event.pointerId) return;
      const { beside, behind } = drag;
      stop?.();
      if (beside !== "") ground.put(uid, beside, behind);
    };
    const escaped = (next: KeyboardEvent): void => {
      if (next.key !== "Escape") return;
      next.preventDefault();
      next.stopPropagation();
      stop?.();
    };
    window.addEventListener("pointermove", moved, { signal });
    window.addEventListener("pointerup", released, { signal });
    window.addEventListener("pointercancel", () => stop?.(), { signal });
    window.addEventListener("blur", () => stop?.(), { signal });
    window.addEventListener("keydown", escaped, { signal, capture: true });
    frame = requestAnimationFrame(scroll);
  }

  /** Find the card beside which the held one would stand. */
  function aim(): void {
    const origin = ground.grid.value?.getBoundingClientRect();
    if (origin === undefined) return;
    const x = pointer.x - origin.left;
    const y = pointer.y - origin.top;
    const column = Math.floor(x / (ground.columnWidth.value + ground.gap));
    let best = { key: "", far: Number.POSITIVE_INFINITY, behind: false };
    for (const [key, spot] of ground.wall.value.spots) {
      if (spot.column !== column) continue;
      const middle = spot.top + spot.height / 2;
      const far = Math.abs(y - middle);
      if (far < best.far && key !== drag.uid && ground.mayStandBeside(drag.uid, key)) {
        best = { key, far, behind: y > middle };
      }
    }
    drag.beside = best.key;
    drag.behind = best.behind;
  }

  function scroll(): void {
    const down = Math.max(0, pointer.y - (innerHeight - EDGE)) - Math.max(0, EDGE - pointer.y);
    if (down !== 0) {
      window.scrollBy({ top: (down / EDGE) * STEP, behavior: "instant" });
      aim();
    }
    frame = requestAnimationFrame(scroll);
  }

  onBeforeUnmount(() => stop?.());
  return { drag, grab };
}

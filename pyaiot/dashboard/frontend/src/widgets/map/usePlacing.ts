// SPDX-License-Identifier: BSD-3-Clause
import { onUnmounted, shallowRef, type ShallowRef } from "vue";

import type { Spot } from "../../model/map/mercator";
import { prefer, preferences } from "../../settings";

/** Pixels that a pointer may tremble before it is taken to drag. */
const TREMBLE = 5;
/** Milliseconds after which a finger that rests has taken what it lies on. */
const LIFTED = 350;

type Part = readonly [number, number];

interface Ghost extends Spot {
  readonly uid: string;
}

interface Placing {
  /** Where a node is being dragged, in the window. */
  readonly ghost: Readonly<ShallowRef<Ghost | null>>;
  /**
   * Let a node follow the pointer, until it is let go over the plan.
   *
   * A finger that rests for a moment takes the node; who calls this keeps the browser from
   * scrolling while there is a ghost.
   */
  drag: (uid: string, event: PointerEvent) => void;
  /** Place a node at a pixel of the plan. */
  put: (uid: string, pixel: Spot) => void;
  nudge: (uid: string, right: number, down: number) => void;
  remove: (uid: string) => void;
}

/** What was dragged was not clicked, though it be let go where it was taken. */
function swallowClick(): void {
  const swallow = new AbortController();
  const options = { capture: true, signal: swallow.signal };
  window.addEventListener("click", (click) => { click.stopPropagation(); }, options);
  setTimeout(() => {
    swallow.abort();
  });
}

/** Puts nodes on the floor plan, in this browser. */
export function usePlacing(
  surface: Readonly<ShallowRef<HTMLElement | null>>,
  ground: {
    /** The part of the plan's width and height at a pixel. */
    spotOn: (pixel: Spot) => Part;
    /** Where a node comes to stand that is moved by pixels. */
    moved: (uid: string, right: number, down: number) => Part | null;
    placed: () => void;
  },
): Placing {
  const ghost = shallowRef<Ghost | null>(null);
  let dragging: AbortController | null = null;

  function keep(uid: string, [x, y]: Part): void {
    ground.placed();
    // More digits than there are pixels would only fill the export.
    const part = (value: number): number => Number(value.toFixed(5));
    prefer({ spots: { ...preferences.value.spots, [uid]: [part(x), part(y)] } });
  }

  function put(uid: string, pixel: Spot): void {
    keep(uid, ground.spotOn(pixel));
  }

  function drag(uid: string, event: PointerEvent): void {
    if (event.button !== 0) return;
    dragging?.abort();
    dragging = new AbortController();
    const { signal } = dragging;
    const { pointerId, clientX, clientY } = event;
    const lifting = event.pointerType === "touch" ? setTimeout(() => { ghost.value = { uid, x: clientX, y: clientY }; }, LIFTED) : undefined;
    const stop = (): void => {
      dragging?.abort();
      ghost.value = null;
    };
    signal.addEventListener("abort", () => { clearTimeout(lifting); });
    window.addEventListener(
      "pointermove",
      (move) => {
        if (move.pointerId !== pointerId) return;
        if (ghost.value === null && Math.hypot(move.clientX - clientX, move.clientY - clientY) < TREMBLE) return;
        clearTimeout(lifting);
        move.preventDefault();
        ghost.value = { uid, x: move.clientX, y: move.clientY };
      },
      { signal },
    );
    window.addEventListener(
      "pointerup",
      (up) => {
        if (up.pointerId !== pointerId) return;
        const box = surface.value?.getBoundingClientRect();
        const wasDragged = ghost.value !== null;
        stop();
        if (!wasDragged || box === undefined) return;
        swallowClick();
        const pixel = { x: up.clientX - box.left, y: up.clientY - box.top };
        if (pixel.x >= 0 && pixel.y >= 0 && pixel.x <= box.width && pixel.y <= box.height) put(uid, pixel);
      },
      { signal },
    );
    window.addEventListener("pointercancel", stop, { signal });
    window.addEventListener(
      "keydown",
      ({ key }) => {
        if (key === "Escape") stop();
      },
      { signal },
    );
  }

  onUnmounted(() => dragging?.abort());

  return {
    ghost,
    drag,
    put,
    nudge: (uid, right, down) => {
      const part = ground.moved(uid, right, down);
      if (part !== null) keep(uid, part);
    },
    remove: (uid) => {
      prefer({ spots: Object.fromEntries(Object.entries(preferences.value.spots).filter(([other]) => other !== uid)) });
    },
  };
}

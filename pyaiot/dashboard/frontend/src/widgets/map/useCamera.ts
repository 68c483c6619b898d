// SPDX-License-Identifier: BSD-3-Clause
import { onUnmounted, shallowRef, type Ref, type ShallowRef } from "vue";

import { between, bounded, panned, zoomedAt, type Camera, type Reach, type Size } from "../../model/map/camera";
import type { Spot } from "../../model/map/mercator";
import { look as worn } from "../../settings";

/** How long a glide takes, in milliseconds. */
const GLIDE = 240;

/** What the map looks at, and the ways to look elsewhere. */
export interface Lens {
  readonly camera: Readonly<ShallowRef<Camera>>;
  /** Where it looks when it has come to rest. */
  target: () => Camera;
  /** Be there at once. */
  set: (camera: Camera) => void;
  /** Glide there, or be there at once where nothing should move. */
  glide: (camera: Camera) => void;
  pan: (right: number, down: number, options?: { gliding?: boolean }) => void;
  /** Come nearer by steps (a step doubles what is seen), at a pixel or in the middle. */
  approach: (steps: number, at?: Spot, options?: { gliding?: boolean }) => void;
}

/** `moved` is called whenever somebody looked elsewhere, by `pan` and `approach`. */
export function useCamera(size: Ref<Size>, reach: Ref<Reach>, moved: () => void): Lens {
  const camera = shallowRef<Camera>({ x: 0.5, y: 0.5, zoom: 0 });
  let frame = 0;
  /** Where a glide leads. */
  let target: Camera | null = null;

  function set(next: Camera): void {
    cancelAnimationFrame(frame);
    target = null;
    camera.value = bounded(next, size.value, reach.value);
  }

  function glide(next: Camera): void {
    const to = bounded(next, size.value, reach.value);
    if (worn.value.motion === "less") {
      set(to);
      return;
    }
    cancelAnimationFrame(frame);
    target = to;
    const from = camera.value;
    const start = performance.now();
    const step = (now: number): void => {
      const part = Math.min(1, Math.max(0, (now - start) / GLIDE));
      camera.value = part === 1 ? to : between(from, to, 1 - (1 - part) ** 3);
      if (part < 1) frame = requestAnimationFrame(step);
      else target = null;
    };
    frame = requestAnimationFrame(step);
  }

  function look(next: Camera, gliding: boolean): void {
    if (gliding) glide(next);
    else set(next);
    moved();
  }

  onUnmounted(() => {
    cancelAnimationFrame(frame);
  });

  return {
    camera,
    target: () => target ?? camera.value,
    set,
    glide,
    // Keys that are pressed again during a glide lead on from where it leads.
    pan: (right, down, { gliding = false } = {}) => {
      look(panned((gliding ? target : null) ?? camera.value, right, down), gliding);
    },
    approach: (steps, at, { gliding = false } = {}) => {
      const from = (gliding ? target : null) ?? camera.value;
      const { nearest } = reach.value;
      const middle = { x: size.value.width / 2, y: size.value.height / 2 };
      const zoom = bounded({ ...from, zoom: Math.min(from.zoom + steps, nearest) }, size.value, reach.value).zoom;
      look(zoomedAt(from, size.value, zoom, at ?? middle), gliding);
    },
  };
}

// SPDX-License-Identifier: BSD-3-Clause

/** What fingers on a chart ask for; places and parts are of its width. */
export interface Wishes {
  zoom(factor: number, around: number): void;
  /** To see what lies to the right by this part of the width. */
  move(part: number): void;
}

/**
 * One finger moves what is shown, two bring it nearer; up and down scroll the page as ever.
 *
 * The function that is returned ends it.
 */
export function followFingers(element: HTMLElement, wishes: Wishes): () => void {
  const fingers = new Map<number, number>();

  const spread = (): { middle: number; width: number } => {
    const places = [...fingers.values()];
    const [from, to] = [Math.min(...places), Math.max(...places)];
    return { middle: (from + to) / 2, width: to - from };
  };
  const down = (event: PointerEvent): void => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, event.clientX);
  };
  const moved = (event: PointerEvent): void => {
    if (!fingers.has(event.pointerId)) return;
    const before = spread();
    fingers.set(event.pointerId, event.clientX);
    const after = spread();
    const { left, width } = element.getBoundingClientRect();
    if (width === 0) return;
    if (fingers.size === 1) wishes.move((before.middle - after.middle) / width);
    else if (before.width > 0 && after.width > 0) wishes.zoom(before.width / after.width, (after.middle - left) / width);
  };
  const up = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
  };

  const listeners = { pointerdown: down, pointermove: moved, pointerup: up, pointercancel: up } as const;
  for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener as EventListener);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener as EventListener);
  };
}

// SPDX-License-Identifier: BSD-3-Clause
import { computed, nextTick, onBeforeUnmount, onMounted, provide, ref, shallowRef, watch, type ComputedRef, type ShallowRef, type WatchSource } from "vue";

import { between, masonry, type Brick, type Wall } from "../model/masonry";
import type { Node } from "../model/state";
import { isFact } from "../model/value";
import { MEASURER } from "./measurer";

/** The narrowest card in rem, and the room between two in pixels. */
const NARROWEST = 20;
export const GAP = 18;
/** The height of a group's heading; its button reaches into the room below. */
const HEADING = 32;
/** Cards are drawn as far above and below the window as this part of its height. */
const MARGIN = 0.6;
/** New cards that are drawn in one frame: more would make it a long one. */
const AT_ONCE = 6;
/** Guesses of the height of a card nobody has seen yet, in pixels. */
const BARE = 150;
const ROW = 118;

/** A card, or the heading of a group, which is as wide as the wall. */
interface Item {
  readonly key: string;
  readonly group?: object;
}

/** What a wall is made of. */
interface Building {
  readonly grid: Readonly<ShallowRef<HTMLElement | null>>;
  readonly items: ComputedRef<readonly Item[]>;
  readonly nodeOf: (key: string) => Node | undefined;
  /** The card that is being dragged, which stays drawn; empty without one. */
  readonly held: () => string;
  /** Where one of these changes, somebody asked for another order: nothing needs to stay in its column. */
  readonly anew: readonly WatchSource[];
}

export interface CardWall {
  readonly wall: ShallowRef<Wall>;
  /** The cards that are drawn, not only their outlines. */
  readonly near: ShallowRef<ReadonlySet<string>>;
  readonly columnWidth: ComputedRef<number>;
  readonly styleOf: (key: string, wide: boolean) => Record<string, string>;
  /** Says all that `styleOf` depends on, and how high a card is that is not drawn. */
  readonly spotOf: (key: string) => string;
  readonly focusIn: (event: FocusEvent) => void;
  readonly focusOut: (event: FocusEvent) => void;
}

/**
 * Lays cards out in columns, and draws those that are in sight or nearly so.
 *
 * What somebody looks at stays where it is, and so does the focus.
 */
export function useCardWall({ grid, items, nodeOf, held, anew }: Building): CardWall {
  const width = ref(0);
  /** Pixels of a rem: displays on a wall have larger ones. */
  const rem = ref(16);
  const columns = computed(() => Math.max(1, Math.floor((width.value + GAP) / (NARROWEST * rem.value + GAP))));
  const columnWidth = computed(() => Math.floor((width.value - GAP * (columns.value - 1)) / columns.value));

  /** Heights of cards that were drawn, and of cards that have the same resources as those. */
  const heights = new Map<string, number>();
  const heightsOfKinds = new Map<string, number>();

  const wall = shallowRef<Wall>({ spots: new Map(), height: 0 });
  const near = shallowRef<ReadonlySet<string>>(new Set());
  /** The card that holds the focus: it stays drawn wherever it is. */
  let focused = "";

  function heightOf(key: string): number {
    const measured = heights.get(key);
    if (measured !== undefined) return measured;
    const node = nodeOf(key);
    if (node === undefined) return BARE;
    return heightsOfKinds.get(kindsOf(node)) ?? BARE + ROW * Math.ceil(readingsOf(node) / 2);
  }

  /** Lay out all cards; what somebody looks at stays where it is on the screen. */
  function lay(before: Wall | null): void {
    const bricks = items.value.map(
      ({ key, group }): Brick =>
        group === undefined ? { key, height: heightOf(key), wide: false } : { key, height: HEADING, wide: true },
    );
    const [anchor, top] = before === null ? ["", 0] : looked();
    wall.value = masonry(bricks, columns.value, GAP, before?.spots);
    const moved = wall.value.spots.get(anchor);
    if (moved !== undefined && moved.top !== top) {
      // The page has to be as long as it will be before it can be scrolled there.
      if (grid.value !== null) grid.value.style.height = `${wall.value.height}px`;
      window.scrollBy({ top: moved.top - top, behavior: "instant" });
    }
    measure();
    draw();
  }

  /** The card at the top of the window, and where it lies; none while the page has not been scrolled. */
  function looked(): readonly [string, number] {
    const offset = -(grid.value?.getBoundingClientRect().top ?? 0);
    if (offset <= 0) return ["", 0];
    let found: readonly [string, number] = ["", Number.POSITIVE_INFINITY];
    for (const [key, { top, height }] of wall.value.spots) {
      if (top + height / 2 >= offset && top < found[1] && (near.value.has(key) || top >= offset)) found = [key, top];
    }
    return found;
  }

  let frame = 0;
  /** How far the window's top is below that of the cards. */
  let from = 0;

  function measure(): void {
    from = -(grid.value?.getBoundingClientRect().top ?? 0);
  }

  /** Decide which cards are drawn. */
  function draw(): void {
    cancelAnimationFrame(frame);
    frame = 0;
    if (grid.value === null) return;
    const margin = innerHeight * MARGIN;
    const wanted = between(wall.value, from - margin, from + innerHeight + margin);
    const next = new Set<string>();
    let added = 0;
    let waiting = false;
    for (const key of [...[focused, held()].filter((each) => each !== ""), ...wanted]) {
      if (near.value.has(key)) next.add(key);
      else if (added < AT_ONCE) {
        next.add(key);
        added += 1;
      } else waiting = true;
    }
    if (next.size !== near.value.size || added > 0) near.value = next;
    if (waiting) soon();
  }

  function soon(): void {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  /** The page was scrolled. It is laid out now; later in the frame it would have to be, once more. */
  function scrolled(): void {
    measure();
    soon();
  }

  /** Cards tell their heights as soon as they are drawn, and whenever they change. */
  const measurer = new ResizeObserver((changes) => {
    let changed = false;
    for (const { target, borderBoxSize } of changes) {
      const uid = (target as HTMLElement).dataset.uid ?? "";
      const height = Math.ceil(borderBoxSize[0]?.blockSize ?? 0);
      if (height === 0 || heights.get(uid) === height) continue;
      changed ||= heightOf(uid) !== height;
      heights.set(uid, height);
      const node = nodeOf(uid);
      if (node !== undefined) heightsOfKinds.set(kindsOf(node), height);
    }
    if (changed) lay(wall.value);
  });

  provide(MEASURER, measurer);

  const sizer = new ResizeObserver(([entry]) => {
    const next = Math.floor(entry?.contentRect.width ?? 0);
    const size = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    if (next === 0 || (next === width.value && size === rem.value)) return;
    const before = columns.value;
    [width.value, rem.value] = [next, size];
    heights.clear();
    heightsOfKinds.clear();
    lay(columns.value === before ? wall.value : null);
  });

  watch(anew, () => {
    if (width.value > 0) lay(null);
  });
  watch(items, (now, before) => {
    if (width.value > 0) lay(wall.value);
    keepFocus(now, before);
  });

  /** Where the card that had the focus is there no more, the next one gets it. */
  function keepFocus(now: readonly Item[], before: readonly Item[]): void {
    if (focused === "" || now.some(({ key }) => key === focused)) return;
    const index = before.findIndex(({ key }) => key === focused);
    const next = now[Math.min(index, now.length - 1)]?.key ?? "";
    focused = "";
    void nextTick(() => {
      if (document.activeElement !== document.body) return;
      const place = `[data-place="${CSS.escape(next)}"]`;
      grid.value?.querySelector<HTMLElement>(`${place} a, ${place} button`)?.focus();
    });
  }

  onMounted(() => {
    if (grid.value !== null) sizer.observe(grid.value);
    window.addEventListener("scroll", scrolled, { passive: true });
    window.addEventListener("resize", scrolled);
  });
  onBeforeUnmount(() => {
    cancelAnimationFrame(frame);
    sizer.disconnect();
    measurer.disconnect();
    window.removeEventListener("scroll", scrolled);
    window.removeEventListener("resize", scrolled);
  });

  return {
    wall,
    near,
    columnWidth,
    styleOf(key, wide) {
      const spot = wall.value.spots.get(key);
      if (spot === undefined) return { display: "none" };
      return {
        top: `${spot.top}px`,
        left: `${spot.column * (columnWidth.value + GAP)}px`,
        width: wide ? "100%" : `${columnWidth.value}px`,
      };
    },
    spotOf(key) {
      const spot = wall.value.spots.get(key);
      return spot === undefined ? "" : `${spot.top} ${spot.column} ${near.value.has(key) ? "" : spot.height}`;
    },
    focusIn(event) {
      focused = (event.target as Element).closest<HTMLElement>("[data-place]")?.dataset.place ?? "";
    },
    focusOut(event) {
      // A card that is taken away loses the focus without somebody taking it elsewhere.
      if (event.relatedTarget !== null) focused = "";
    },
  };
}

function kindsOf({ resources }: Node): string {
  return [...resources.keys()].join("\n");
}

function readingsOf({ resources }: Node): number {
  let count = 0;
  for (const endpoint of resources.keys()) if (!isFact(endpoint)) count += 1;
  return count;
}

// SPDX-License-Identifier: BSD-3-Clause
import { computed, onBeforeUnmount, onMounted, shallowRef, type ComputedRef, type ShallowRef } from "vue";

import { spanOf, type Span } from "../../model/table/window";

/** Height of a row where a mouse points, and where a finger does, in rem. */
const ROW = 2.5;
const ROW_TOUCHED = 3.25;
/** The least that a table takes of a page, in pixels. */
const LEAST = 220;

export interface Sight {
  /** Height of a row in pixels. */
  readonly row: Readonly<ShallowRef<number>>;
  /** Pixels that the table may be high, so that it ends where the page does. */
  readonly room: Readonly<ShallowRef<number>>;
  /** How wide the table is seen, in rem. */
  readonly width: Readonly<ShallowRef<number>>;
  readonly span: ComputedRef<Span>;
  /** To be called when it scrolls. */
  scrolled: () => void;
}

/** What of a list of `count` rows is in sight in `scroller`, whose head sticks to its top. */
export function useSight(
  scroller: Readonly<ShallowRef<HTMLElement | null>>,
  head: Readonly<ShallowRef<HTMLElement | null>>,
  count: ComputedRef<number>,
): Sight {
  const row = shallowRef(40);
  const room = shallowRef(LEAST);
  const width = shallowRef(0);
  const top = shallowRef(0);
  const headHeight = shallowRef(0);
  const coarse = matchMedia("(pointer: coarse), (max-width: 40rem)");

  function measure(): void {
    const element = scroller.value;
    if (element === null) return;
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    row.value = rem * (coarse.matches ? ROW_TOUCHED : ROW);
    width.value = element.clientWidth / rem;
    headHeight.value = head.value?.offsetHeight ?? 0;
    // What stands above the table may grow and shrink; what its parents keep free below stays free.
    const above = element.getBoundingClientRect().top + window.scrollY;
    let below = 0;
    for (let parent = element.parentElement; parent !== null; parent = parent.parentElement) {
      below += Number.parseFloat(getComputedStyle(parent).paddingBottom);
    }
    room.value = Math.max(LEAST, Math.floor(window.innerHeight - above - below));
    scrolled();
  }

  function scrolled(): void {
    top.value = scroller.value?.scrollTop ?? 0;
  }

  const observer = new ResizeObserver(measure);
  onMounted(() => {
    measure();
    observer.observe(document.body);
    if (head.value !== null) observer.observe(head.value);
    window.addEventListener("resize", measure);
    coarse.addEventListener("change", measure);
  });
  onBeforeUnmount(() => {
    observer.disconnect();
    window.removeEventListener("resize", measure);
    coarse.removeEventListener("change", measure);
  });

  // Scrolling by less than a row changes nothing that is drawn.
  const first = computed(() => spanOf(top.value, room.value - headHeight.value, row.value, count.value).first);
  const end = computed(() => spanOf(top.value, room.value - headHeight.value, row.value, count.value).end);
  const span = computed(() => ({ first: first.value, end: end.value }));
  return { row, room, width, span, scrolled };
}

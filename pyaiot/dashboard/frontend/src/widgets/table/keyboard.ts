// SPDX-License-Identifier: BSD-3-Clause
import { nextTick, watch, type Ref } from "vue";

import { scrolledTo } from "../../model/table/window";

/** A cell that an event is about. */
export interface Hit {
  readonly uid: string;
  readonly column: string;
  readonly cell: HTMLElement;
}

/** The table as the keyboard finds it. */
interface Grid {
  readonly scroller: Readonly<Ref<HTMLElement | null>>;
  /** The headings and filters. */
  readonly top: Readonly<Ref<HTMLElement | null>>;
  readonly body: Readonly<Ref<HTMLElement | null>>;
  readonly uids: Readonly<Ref<readonly string[]>>;
  readonly indexes: Readonly<Ref<ReadonlyMap<string, number>>>;
  /** The columns, by their ids. */
  readonly shown: Readonly<Ref<readonly string[]>>;
  /** The height of the table and of a row, in pixels. */
  readonly room: Readonly<Ref<number>>;
  readonly rowHeight: Readonly<Ref<number>>;
  /** Whether there are filters below the headings. */
  readonly filtering: Readonly<Ref<boolean>>;
  scrolled(): void;
}

/** Where the focus is, and what comes of it. */
interface Focus {
  /** The cell that the Tab key leads to. */
  readonly at: Ref<{ readonly uid: string | null; readonly column: string }>;
  /** Whether the focus is in a row. */
  readonly inside: Ref<boolean>;
  /** The column of `at` that is shown. */
  readonly column: Readonly<Ref<string>>;
  hit(event: Event): Hit | null;
  open(uid: string, column: string): void;
  /** Rows stay where they are while the focus is in one. */
  hold(inside: boolean): void;
  released(): void;
}

/** Lines above the first row. */
const HEADINGS = -2;
const FILTERS = -1;

/** Leads the focus through the table by the keys of a grid, and keeps it when its row goes. */
export function useKeyboard(
  grid: Grid,
  focus: Focus,
): {
  typed: (event: KeyboardEvent) => void;
  focused: (event: FocusEvent) => void;
  blurred: (event: FocusEvent) => void;
} {
  function focused(event: FocusEvent): void {
    const found = focus.hit(event);
    focus.inside.value = found !== null;
    focus.hold(found !== null);
    if (found !== null) focus.at.value = { uid: found.uid, column: found.column };
  }

  function blurred(event: FocusEvent): void {
    if (grid.body.value?.contains(event.relatedTarget as Element | null) === true) return;
    focus.inside.value = false;
    focus.hold(false);
    focus.released();
  }

  function typed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const cell = target.closest<HTMLElement>("[data-column]");
    const id = cell?.dataset.column;
    if (cell === null || id === undefined || event.altKey || event.metaKey || target.closest("[role=menu]") !== null) return;
    const uid = cell.closest<HTMLElement>("[data-uid]")?.dataset.uid;
    const writing = target.tagName === "INPUT";
    const line = uid === undefined ? (writing ? FILTERS : HEADINGS) : (grid.indexes.value.get(uid) ?? 0);
    const to = step(event, line, grid.shown.value.indexOf(id), writing);
    if (to !== null) {
      event.preventDefault();
      void lead(to.line, to.position);
    } else if (uid === undefined || target.closest("button") !== null) return;
    else if (event.key === "Enter") {
      event.preventDefault();
      focus.open(uid, id);
    } else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      event.preventDefault();
      cell.closest("[data-uid]")?.querySelector<HTMLElement>("[aria-haspopup=menu]")?.click();
    } else if (event.key === " ") {
      event.preventDefault();
      cell.querySelector<HTMLElement>("[role=switch]")?.click();
    }
  }

  /** Where a key leads from a cell; null if nowhere. */
  function step(
    { key, ctrlKey, shiftKey }: KeyboardEvent,
    line: number,
    position: number,
    writing: boolean,
  ): { line: number; position: number } | null {
    const last = grid.shown.value.length - 1;
    const height = grid.room.value - (grid.top.value?.offsetHeight ?? 0);
    const screen = Math.max(1, Math.floor(height / grid.rowHeight.value) - 1);
    const filters = grid.filtering.value;
    if (shiftKey) return null;
    switch (key) {
      case "ArrowUp":
        return { line: line - (line === 0 && !filters ? 2 : 1), position };
      case "ArrowDown":
        return { line: line + (line === HEADINGS && !filters ? 2 : 1), position };
      case "PageUp":
        return line > 0 ? { line: Math.max(0, line - screen), position } : null;
      case "PageDown":
        return { line: Math.max(0, line) + screen, position };
    }
    // The rest belongs to the text while one writes.
    if (writing) return null;
    switch (key) {
      case "ArrowLeft":
        return { line, position: Math.max(0, position - 1) };
      case "ArrowRight":
        return { line, position: Math.min(last, position + 1) };
      case "Home":
        return ctrlKey ? { line: 0, position: 0 } : { line, position: 0 };
      case "End":
        return ctrlKey ? { line: grid.uids.value.length - 1, position: last } : { line, position: last };
      default:
        return null;
    }
  }

  async function lead(line: number, position: number): Promise<void> {
    const id = grid.shown.value[position] ?? "name";
    const cell = `[data-column="${CSS.escape(id)}"]`;
    if (line < 0) {
      focus.at.value = { ...focus.at.value, column: id };
      await nextTick();
      const name = line <= HEADINGS ? "button" : "input";
      bring(grid.top.value?.querySelector<HTMLElement>(`${cell} ${name}`));
      return;
    }
    const index = Math.min(line, grid.uids.value.length - 1);
    const uid = grid.uids.value[index];
    const scroller = grid.scroller.value;
    if (uid === undefined || scroller === null) return;
    // The row must be drawn before it can have the focus, and it is drawn where it is in sight.
    const height = scroller.clientHeight - (grid.top.value?.offsetHeight ?? 0);
    scroller.scrollTop = scrolledTo(index, scroller.scrollTop, height, grid.rowHeight.value);
    grid.scrolled();
    focus.at.value = { uid, column: id };
    await nextTick();
    const found = grid.body.value?.querySelector<HTMLElement>(`[data-uid="${CSS.escape(uid)}"] ${cell}`);
    bring(found?.querySelector<HTMLElement>("[role=switch]") ?? found);
  }

  // A row that goes takes the focus with it; the one that stands in its place gets it.
  watch(
    grid.indexes,
    (now, before) => {
      const { uid } = focus.at.value;
      if (!focus.inside.value || uid === null || now.has(uid)) return;
      focus.inside.value = false;
      focus.hold(false);
      if (now.size > 0) void lead(before.get(uid) ?? 0, grid.shown.value.indexOf(focus.column.value));
    },
    { flush: "post" },
  );

  return { typed, focused, blurred };
}

function bring(element: HTMLElement | null | undefined): void {
  element?.focus({ preventScroll: true });
  element?.closest("[data-column]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

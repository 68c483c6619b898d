// SPDX-License-Identifier: BSD-3-Clause
import { usePage } from "../../page";
import { language } from "../../words";
import { endpointOf } from "../../model/table/columns";
import type { Hold } from "../../model/table/hold";
import type { Hit } from "./keyboard";

/** What comes of a pointer over the rows. */
interface Wanted {
  readonly hold: Hold;
  /** A cell was clicked. */
  readonly chosen: (hit: Hit) => void;
  /** The pointer went elsewhere: rows may change places again. */
  readonly released: () => void;
}

export interface Pointer {
  readonly clicked: (event: MouseEvent) => void;
  readonly pointed: (event: PointerEvent) => void;
  readonly touched: () => void;
  readonly left: (event: PointerEvent) => void;
  readonly hovered: (event: PointerEvent) => void;
}

/** The cell that an event is about; null where it is about none. */
export function hitBy(event: Event): Hit | null {
  const cell = (event.target as Element).closest<HTMLElement>("[data-column]");
  const uid = cell?.closest<HTMLElement>("[data-uid]")?.dataset.uid;
  const id = cell?.dataset.column;
  return cell === null || uid === undefined || id === undefined ? null : { uid, column: id, cell };
}

/** Follows a pointer over the rows: they stay where they are below it, and tell more of a cell. */
export function usePointer({ hold, chosen, released }: Wanted): Pointer {
  const page = usePage();

  function clicked(event: MouseEvent): void {
    const found = hitBy(event);
    const control = (event.target as Element).closest("button, [role=menu]");
    if (found === null || control !== null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // Somebody who marks a text to copy it wants nothing opened.
    if (getSelection()?.isCollapsed === false) return;
    event.preventDefault();
    chosen(found);
  }

  function pointed(event: PointerEvent): void {
    if (event.pointerType === "touch") hold.touch(seconds());
    else hold.pointed(seconds());
  }

  function left(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    hold.left();
    released();
  }

  /** What does not fit into a cell is told by the title that it gets when somebody points at it. */
  function hovered(event: PointerEvent): void {
    const found = hitBy(event);
    if (found?.cell.title !== "") return;
    const endpoint = endpointOf(found.column);
    const time = endpoint === null ? undefined : page.state.value.nodes.get(found.uid)?.resources.get(endpoint)?.time;
    const text = found.cell.querySelector<HTMLElement>(".value, .title");
    const whole = text !== null && text.scrollWidth > text.clientWidth ? text.textContent : "";
    const measured = time === undefined || time === 0 ? "" : new Date(time * 1000).toLocaleString(language());
    const title = [whole, measured].filter((part) => part !== "").join("\n");
    if (title === "") return;
    found.cell.title = title;
    found.cell.addEventListener("pointerleave", () => { found.cell.removeAttribute("title"); }, { once: true });
  }

  return {
    clicked,
    pointed,
    touched: () => {
      hold.touch(seconds());
    },
    left,
    hovered,
  };
}

function seconds(): number {
  return performance.now() / 1000;
}

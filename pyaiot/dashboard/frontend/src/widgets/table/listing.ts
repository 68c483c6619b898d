// SPDX-License-Identifier: BSD-3-Clause
import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from "vue";

import { Census, type Column } from "../../model/table/columns";
import { Hold } from "../../model/table/hold";
import { heldStill, Rows, type Query } from "../../model/table/rows";
import { usePage } from "../../page";

/** How often rows come, go and change places by themselves, in milliseconds. */
const OFTEN = 1_000;
/** The same while nodes arrive, so that a table fills without waiting. */
const ARRIVING = 200;

export interface Listed {
  /** The nodes that are listed, in the order in which they are shown. */
  readonly uids: Readonly<ShallowRef<readonly string[]>>;
  readonly indexes: ComputedRef<ReadonlyMap<string, number>>;
  /** How many nodes there are, listed or not. */
  readonly total: Readonly<ShallowRef<number>>;
  /** The columns that there are values for. */
  readonly columns: Readonly<ShallowRef<readonly Column[]>>;
  /** Whether rows would stand elsewhere if nobody were at them. */
  readonly waiting: Readonly<ShallowRef<boolean>>;
  readonly hold: Hold;
  /** Put all rows where they belong, whoever is at them. */
  settle: () => void;
  /** The same unless somebody is still at them. */
  released: () => void;
}

/**
 * The rows that a query asks of the page's nodes, kept up to date.
 *
 * What somebody asks for is shown at once. What comes of new values is looked at once a second at
 * most, and waits while somebody is at the rows; see `Hold`.
 */
export function useListing(query: ComputedRef<Query>, order: ComputedRef<readonly string[]>): Listed {
  const page = usePage();
  const rows = new Rows();
  const census = new Census();
  const hold = new Hold();
  const uids = shallowRef<readonly string[]>([]);
  const total = shallowRef(0);
  const columns = shallowRef<readonly Column[]>([]);
  const waiting = shallowRef(false);

  let looked = Number.NEGATIVE_INFINITY;
  let nodesThen = 0;
  let pending = false;

  function look(release: boolean): void {
    const { nodes, ahead } = page.state.value;
    looked = performance.now();
    nodesThen = nodes.size;
    pending = false;
    columns.value = census.columns(nodes);
    const next = rows.list(nodes, order.value, query.value, page.now.value.wall + ahead);
    total.value = next.total;
    if (next.uids === uids.value) waiting.value = false;
    else if (release || !hold.holds(looked / 1000)) {
      uids.value = next.uids;
      waiting.value = false;
    } else {
      const still = heldStill(uids.value, next.uids, (uid) => nodes.has(uid));
      const differs = still.length !== next.uids.length || still.some((uid, index) => uid !== next.uids[index]);
      uids.value = differs ? still : next.uids;
      waiting.value = differs;
    }
  }

  function follow(): void {
    pending = true;
    if (document.hidden) return;
    const arriving = page.state.value.nodes.size !== nodesThen;
    if (performance.now() - looked >= (arriving ? ARRIVING : OFTEN)) look(false);
  }

  watch(page.state, follow);
  watch(page.now, () => {
    if ((pending || waiting.value || query.value.filters.has("heard")) && !document.hidden) look(false);
  });
  watch(query, () => {
    look(true);
  });
  look(true);

  return {
    uids,
    indexes: computed(() => new Map(uids.value.map((uid, index) => [uid, index]))),
    total,
    columns,
    waiting,
    hold,
    settle: () => {
      look(true);
    },
    released: () => {
      if (waiting.value) look(false);
    },
  };
}

// SPDX-License-Identifier: BSD-3-Clause
import { shallowRef, type ShallowRef } from "vue";

import { all, type Client } from "../api/client";
import type { Node as NodeRecord } from "../api/types";
import type { Permission } from "../wire/messages";

/** How long to wait for more to become stale before asking anew, in milliseconds. */
const PATIENCE = 400;

/** Knows what somebody may do with each node, where that is not the same for all of them. */
export class Records {
  private readonly permissions: ShallowRef<ReadonlyMap<string, ReadonlySet<Permission>>> = shallowRef(new Map());
  /** Nodes that were missed once: the server need not be asked for them again and again. */
  private missed = new Set<string>();
  private wanted = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  /** Counts whose records they are: an answer for somebody before is of no use. */
  private turn = 0;

  constructor(private readonly client: Client) {}

  /** Somebody else asks; `wanted` unless they may do the same with all nodes. */
  begin(wanted: boolean): void {
    this.turn += 1;
    this.wanted = wanted;
    this.permissions.value = new Map();
    this.missed = new Set();
    if (wanted) void this.load();
  }

  /** Whether the records let somebody do this; true where they do not know the node: the broker has the last word. */
  let(uid: string, permission: Permission): boolean {
    return this.permissions.value.get(uid)?.has(permission) ?? true;
  }

  /** Something about a node has changed. */
  stale(): void {
    if (!this.wanted || this.timer !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.load();
    }, PATIENCE);
  }

  /** These nodes are in sight: if one is not known, it is asked for. */
  see(uids: Iterable<string>): void {
    if (!this.wanted) return;
    for (const uid of uids) {
      if (this.permissions.value.has(uid) || this.missed.has(uid)) continue;
      this.missed.add(uid);
      this.stale();
    }
  }

  private async load(): Promise<void> {
    const { turn } = this;
    if (!this.wanted) return;
    try {
      const nodes = await all<NodeRecord>(this.client, "nodes");
      if (turn !== this.turn) return;
      this.permissions.value = new Map(nodes.map((node) => [node.uid, new Set(node.permissions)]));
    } catch {
      // The broker refuses what may not be done; here it is only not offered.
    }
  }
}

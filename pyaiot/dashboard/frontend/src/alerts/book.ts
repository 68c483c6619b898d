// SPDX-License-Identifier: BSD-3-Clause
import { computed, shallowRef, type ShallowRef } from "vue";

import { all, type Client } from "../api/client";
import type { Alert as Stored } from "../api/types";
import { heard, NO_ALERTS, openOf, worstOf, type OpenAlert, type OpenAlerts } from "../model/alerts";
import type { ToPage } from "../wire/messages";

/** Alerts that are looked through when the page is opened. */
const MOST = 1_000;
/** Alerts that are shown at once where somebody looks at something else; the rest is in the list. */
const MOST_NEWS = 3;

/** Knows what is out of bounds: from the store when the page is opened, from the broker from then on. */
export class AlertBook {
  readonly open: ShallowRef<OpenAlerts> = shallowRef(NO_ALERTS);
  /** How bad the worst of it is, by node. */
  readonly worst = computed(() => worstOf(this.open.value));
  /** What was raised since, until somebody has taken note of it; the newest first. */
  readonly news: ShallowRef<readonly OpenAlert[]> = shallowRef([]);
  /** Counts what happened to any alert. */
  readonly changes: ShallowRef<number> = shallowRef(0);

  /** Counts whose alerts they are: an answer for somebody before is of no use. */
  private turn = 0;

  constructor(private readonly client: Client) {}

  /** Somebody else is here; `wanted` if the server is to be asked. */
  begin(wanted: boolean): void {
    this.turn += 1;
    this.open.value = NO_ALERTS;
    this.news.value = [];
    if (wanted) void this.load();
  }

  /** Ask for what is open: something may have happened while nobody listened. */
  async load(): Promise<void> {
    const { turn } = this;
    try {
      const stored = await all<Stored>(this.client, "alerts", { query: { state: "open" } }, MOST);
      if (turn !== this.turn) return;
      this.open.value = openOf(stored);
      this.keepNews();
      this.changes.value += 1;
    } catch {
      // Without an answer there is what the broker tells.
    }
  }

  received(messages: readonly ToPage[]): void {
    for (const message of messages) {
      if (message.type !== "alert") continue;
      const before = this.open.value;
      this.open.value = heard(before, message);
      this.changes.value += 1;
      const alert = this.open.value.get(message.id);
      if (alert !== undefined && !before.has(message.id) && alert.state === "raised") {
        this.news.value = [alert, ...this.news.value].slice(0, MOST_NEWS);
      }
      this.keepNews();
    }
  }

  /** Somebody has taken note of this alert, or of all. */
  noted(id: string | null = null): void {
    this.news.value = id === null ? [] : this.news.value.filter((each) => each.id !== id);
  }

  /** What is not raised any more is no news. */
  private keepNews(): void {
    const kept = this.news.value.filter(({ id }) => this.open.value.get(id)?.state === "raised");
    if (kept.length !== this.news.value.length) this.news.value = kept;
  }
}

// SPDX-License-Identifier: BSD-3-Clause
import type { ToPage } from "../wire/messages";

/** Counts what comes from the broker, while somebody wants to know. */
export class Tally {
  counting = false;
  private messages = 0;
  private merged = 0;

  /** All that is drawn in one frame. */
  frame(lists: readonly (readonly ToPage[])[]): void {
    if (!this.counting) return;
    const drawn = new Set<string>();
    for (const messages of lists) {
      this.messages += messages.length;
      for (const message of messages) {
        if (message.type !== "update") continue;
        const key = `${message.uid}\n${message.endpoint}`;
        if (drawn.has(key)) this.merged += 1;
        else drawn.add(key);
      }
    }
  }

  /**
   * What was counted since the last time: all messages, and the values among them of which nobody
   * saw a picture, because a newer one of the same resource came before it was drawn.
   */
  take(): { readonly messages: number; readonly merged: number } {
    const { messages, merged } = this;
    this.messages = this.merged = 0;
    return { messages, merged };
  }
}

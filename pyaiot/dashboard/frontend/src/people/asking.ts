// SPDX-License-Identifier: BSD-3-Clause
import { onBeforeUnmount, onMounted, shallowRef, watch, type ShallowRef, type WatchSource } from "vue";

import { ApiError } from "../api/client";
import type { Page } from "../api/types";

/** What the server was asked for, as far as it has come. */
export interface Asking<T> {
  /** The last answer; null while there is none. */
  readonly value: ShallowRef<T | null>;
  /** Why there is none, or no newer one. */
  readonly problem: ShallowRef<ApiError | null>;
  readonly busy: ShallowRef<boolean>;
  readonly again: () => Promise<void>;
  /** Ask in another way, this once. */
  readonly once: (ask: Ask<T>) => Promise<void>;
}

/** Asks the server; null where whoever is here would be refused, and is not to ask. */
export type Ask<T> = (signal: AbortSignal) => Promise<T> | null;

/** Ask the server for something as long as a component is there, anew whenever `sources` change. */
export function useAsking<T>(ask: Ask<T>, ...sources: WatchSource[]): Asking<T> {
  const value: ShallowRef<T | null> = shallowRef(null);
  const problem: ShallowRef<ApiError | null> = shallowRef(null);
  const busy = shallowRef(true);
  let running = new AbortController();

  async function once(ask: Ask<T>): Promise<void> {
    running.abort();
    const mine = new AbortController();
    running = mine;
    const asked = ask(mine.signal);
    if (asked === null) {
      // What was told to somebody before is not for whoever is here now.
      value.value = problem.value = null;
      busy.value = false;
      return;
    }
    busy.value = true;
    try {
      const answer = await asked;
      if (mine.signal.aborted) return;
      value.value = answer;
      problem.value = null;
    } catch (error) {
      if (mine.signal.aborted) return;
      problem.value = problemFrom(error);
    }
    busy.value = false;
  }

  const again = (): Promise<void> => once(ask);
  onMounted(again);
  watch(sources, again);
  onBeforeUnmount(() => {
    running.abort();
  });
  return { value, problem, busy, again, once };
}

/** A list that comes in pages, as far as somebody has asked for it. */
export interface Listing<T> {
  /** Null while nothing has come. */
  readonly items: ShallowRef<readonly T[] | null>;
  readonly problem: ShallowRef<ApiError | null>;
  readonly busy: ShallowRef<boolean>;
  /** Whether there is more. */
  readonly more: ShallowRef<boolean>;
  readonly next: () => Promise<void>;
  readonly again: () => Promise<void>;
}

/** Ask for a list page by page, anew whenever `sources` change. `turn` gives the page behind a cursor. */
export function useListing<T>(
  turn: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>> | null,
  ...sources: WatchSource[]
): Listing<T> {
  const more = shallowRef(false);
  let cursor: string | null = null;
  let known: readonly T[] = [];

  function ask(signal: AbortSignal): Promise<readonly T[]> | null {
    const coming = turn(cursor, signal);
    if (coming === null) more.value = false;
    return coming === null ? null : coming.then((page) => (signal.aborted ? known : added(page)));
  }

  function added(page: Page<T>): readonly T[] {
    known = [...known, ...page.items];
    cursor = page.next;
    more.value = cursor !== null;
    return known;
  }

  const asking = useAsking((signal) => {
    known = [];
    cursor = null;
    return ask(signal);
  }, ...sources);

  async function next(): Promise<void> {
    if (asking.busy.value || cursor === null) return;
    await asking.once(ask);
  }

  return { items: asking.value, problem: asking.problem, busy: asking.busy, more, next, again: asking.again };
}

/** Something that is done with the server's help when somebody presses a button. */
export interface Doing {
  readonly busy: ShallowRef<boolean>;
  readonly problem: ShallowRef<ApiError | null>;
  /** Whether it was done; one thing at a time. */
  readonly act: (deed: () => Promise<unknown>) => Promise<boolean>;
}

export function useDoing(): Doing {
  const busy = shallowRef(false);
  const problem: ShallowRef<ApiError | null> = shallowRef(null);

  async function act(deed: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    problem.value = null;
    try {
      await deed();
      return true;
    } catch (error) {
      problem.value = problemFrom(error);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, problem, act };
}

/** Errors that are not the API's are faults of the page: they are not to be swallowed. */
function problemFrom(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}

// SPDX-License-Identifier: BSD-3-Clause

const FIRST = 1_000;
const LONGEST = 15_000;

/** How long to wait before the next attempt, in milliseconds. */
export class Backoff {
  private attempts = 0;

  /** `random` is between 0 and 1; it keeps a thousand pages from knocking at the same moment. */
  constructor(private readonly random: () => number) {}

  next(): number {
    const longest = Math.min(LONGEST, FIRST * 2 ** Math.min(this.attempts, 10));
    this.attempts += 1;
    return longest * (0.5 + this.random() / 2);
  }

  reset(): void {
    this.attempts = 0;
  }
}

// SPDX-License-Identifier: BSD-3-Clause

/** How long a mouse may lie still over the rows until it is taken for parked, in seconds. */
export const PARKED = 60;
/** How long after the last touch somebody may still be about to touch again, in seconds. */
export const LIFTED = 2;

/**
 * Whether rows must stay where they are, because somebody is at them.
 *
 * Rows change their order while nobody points at one: a row that jumps away under the finger makes
 * one press what one did not mean. So they are held while a mouse is over them and was moved within
 * the last minute, while they are touched or were a moment ago, and while the keyboard is in one.
 * Times are in seconds, on a clock that never jumps.
 */
export class Hold {
  private stirred = Number.NEGATIVE_INFINITY;
  private touched = Number.NEGATIVE_INFINITY;
  private focused = false;

  /** A mouse or a pen moved over the rows. */
  pointed(now: number): void {
    this.stirred = now;
  }

  /** It left them. */
  left(): void {
    this.stirred = Number.NEGATIVE_INFINITY;
  }

  /** A finger is on the rows, or they scroll from its push. */
  touch(now: number): void {
    this.touched = now;
  }

  focus(inside: boolean): void {
    this.focused = inside;
  }

  holds(now: number): boolean {
    return this.focused || now - this.stirred < PARKED || now - this.touched < LIFTED;
  }
}

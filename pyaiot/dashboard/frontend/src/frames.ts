// SPDX-License-Identifier: BSD-3-Clause

/** Things that may wait before they are applied without a frame being drawn. */
const MOST = 2_000;
/** A page in the background draws no frames; it then catches up this often, in milliseconds. */
const BACKGROUND = 1_000;

/** Gathers what happens, so that it is applied once for every frame that is drawn. */
export class Frames<T> {
  private waiting: T[] = [];
  private frame = 0;
  private timer = 0;

  constructor(private readonly apply: (things: readonly T[]) => void) {}

  add(thing: T): void {
    this.waiting.push(thing);
    if (this.waiting.length >= MOST) this.flush();
    else if (this.waiting.length === 1) this.schedule();
  }

  /** Call back once what was added has been drawn. */
  afterDrawn(callback: () => void): void {
    requestAnimationFrame(() => requestAnimationFrame(callback));
  }

  private schedule(): void {
    const flush = (): void => {
      this.flush();
    };
    this.frame = requestAnimationFrame(flush);
    this.timer = window.setTimeout(flush, BACKGROUND);
  }

  private flush(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    const things = this.waiting;
    this.waiting = [];
    this.apply(things);
  }
}

// SPDX-License-Identifier: BSD-3-Clause

/** How often a stick that is held says so, in milliseconds. */
export const PERIOD = 1_000;
/** How long after a stop it is said again, lest one be lost, in milliseconds. */
export const AGAIN = 100;
/** What a stick at its edge says. */
export const FULL = 255;

/** Where a stick is: to the right and down, each from -1 to 1, and never outside the circle. */
export interface Tilt {
  readonly right: number;
  readonly down: number;
}

export const UPRIGHT: Tilt = { right: 0, down: 0 };

/** The tilt of a stick that is pulled so far; beyond the edge only the direction counts. */
export function tiltOf(right: number, down: number): Tilt {
  const length = Math.max(1, Math.hypot(right, down));
  return { right: right / length, down: down / length };
}

const ARROWS: ReadonlyMap<string, Tilt> = new Map([
  ["ArrowUp", { right: 0, down: -1 }],
  ["ArrowDown", { right: 0, down: 1 }],
  ["ArrowLeft", { right: -1, down: 0 }],
  ["ArrowRight", { right: 1, down: 0 }],
]);

/** The tilt that keys stand for which are held together; null where there is no arrow among them. */
export function tiltOfKeys(keys: Iterable<string>): Tilt | null {
  const tilts = [...keys].flatMap((key) => ARROWS.get(key) ?? []);
  if (tilts.length === 0) return null;
  const sum = (part: keyof Tilt): number => tilts.reduce((total, tilt) => total + tilt[part], 0);
  return tiltOf(sum("right"), sum("down"));
}

/** What the node is sent for a tilt (WIRE.md section 7): `"-255:0:-255\n"` is full right. */
export function payloadOf({ right, down }: Tilt): string {
  const dx = -Math.round(right * FULL);
  const dy = Math.round(down * FULL);
  return `${dx}:${dy}:${dx + dy}\n`;
}

export const STOP = payloadOf(UPRIGHT);

/** What a stick needs of the world. */
export interface Hand {
  send(payload: string): void;
  /** Calls back once, unless the function that it returns was called before. */
  after(milliseconds: number, callback: () => void): () => void;
}

/**
 * A stick that tells where it is for as long as it is held, and says twice when it is let go.
 *
 * Whoever loses the connection has let it go: what was held then is stopped when there is one again.
 */
export class Stick {
  private tilt: Tilt | null = null;
  private owed = false;
  private cancel = (): void => undefined;

  constructor(private readonly hand: Hand) {}

  get held(): boolean {
    return this.tilt !== null;
  }

  hold(tilt: Tilt): void {
    const held = this.held;
    this.tilt = tilt;
    this.owed = false;
    if (!held) this.tell();
  }

  release(): void {
    if (this.held) this.stop();
  }

  /** There is no connection to the node any more. */
  lost(): void {
    this.owed ||= this.held;
    this.tilt = null;
    this.cancel();
  }

  /** There is a connection again. */
  reconnected(): void {
    if (this.owed) this.stop();
  }

  private tell(): void {
    this.cancel();
    if (this.tilt === null) return;
    this.hand.send(payloadOf(this.tilt));
    this.cancel = this.hand.after(PERIOD, () => {
      this.tell();
    });
  }

  private stop(): void {
    this.tilt = null;
    this.owed = false;
    this.cancel();
    this.hand.send(STOP);
    this.cancel = this.hand.after(AGAIN, () => {
      this.hand.send(STOP);
    });
  }
}

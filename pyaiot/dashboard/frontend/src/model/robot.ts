// SPDX-License-Identifier: BSD-3-Clause
import { isTravelling } from "./control";
import type { Phase } from "./state";

/** What a robot can be told: up, left, right, stop. It goes on as it was told until it is told else. */
export type Move = "u" | "l" | "r" | "s";

/** The moves that the arrow keys stand for. There is no way back, so that key is for halting too. */
export const KEYS: ReadonlyMap<string, Move> = new Map([
  ["ArrowUp", "u"],
  ["ArrowLeft", "l"],
  ["ArrowRight", "r"],
  ["ArrowDown", "s"],
]);

/**
 * Which move goes to the robot when.
 *
 * One is under way at a time, and the newest of those that were pressed meanwhile follows. A stop
 * waits for no other move, and is repeated until the robot took it: after a failure only once there
 * is a connection again, so that it is never lost with one.
 */
export class Helm {
  private waiting: Move | null = null;
  /** The move that went out last, until it has ended. */
  private going: Move | null = null;
  private unstopped = false;

  /** `send` takes a move to the robot now. */
  constructor(private readonly send: (move: Move) => void) {}

  press(move: Move): void {
    this.unstopped = false;
    if (this.going === null || (move === "s" && this.going !== "s")) this.start(move);
    else this.waiting = move;
  }

  /** The last move came so far; undefined once nothing is known of it any more. */
  came(phase: Phase | undefined): void {
    if (this.going === null || isTravelling(phase)) return;
    const ended = this.going;
    const next = this.waiting;
    this.going = this.waiting = null;
    if (phase === "failed") {
      // Other moves, pressed before anybody knew, would come as a surprise now.
      this.unstopped = ended === "s" && (next === null || next === "s");
    } else if (next !== null && (next !== "s" || ended !== "s")) this.start(next);
  }

  /** There is a connection to the broker again. */
  reconnected(): void {
    if (!this.unstopped) return;
    this.unstopped = false;
    this.start("s");
  }

  private start(move: Move): void {
    this.waiting = null;
    this.going = move;
    this.send(move);
  }
}

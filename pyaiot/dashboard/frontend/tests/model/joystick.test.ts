// SPDX-License-Identifier: BSD-3-Clause
import { beforeEach, describe, expect, it } from "vitest";

import { payloadOf, Stick, STOP, tiltOf, tiltOfKeys, UPRIGHT } from "../../src/model/joystick";

describe("payloadOf", () => {
  it.each<[string, number, number, string]>([
    ["upright", 0, 0, "0:0:0\n"],
    ["right", 1, 0, "-255:0:-255\n"],
    ["left", -1, 0, "255:0:255\n"],
    ["down", 0, 1, "0:255:255\n"],
    ["up", 0, -1, "0:-255:-255\n"],
    ["a little right and up", 0.1, -0.5, "-26:-127:-153\n"],
    ["right below", 9, 9, "-180:180:0\n"],
    ["left below", -9, 9, "180:180:360\n"],
    ["hardly", 0.001, -0.001, "0:0:0\n"],
  ])("%s", (_, right, down, payload) => {
    expect(payloadOf(tiltOf(right, down))).toBe(payload);
  });

  it("stays within what nodes take", () => {
    for (let angle = 0; angle < 360; angle += 1) {
      const radians = (angle * Math.PI) / 180;
      const parts = payloadOf(tiltOf(5 * Math.cos(radians), 5 * Math.sin(radians))).trim().split(":").map(Number);
      const [dx = Number.NaN, dy = Number.NaN, sum] = parts;
      expect(Math.max(Math.abs(dx), Math.abs(dy))).toBeLessThanOrEqual(255);
      expect(sum).toBe(dx + dy);
    }
  });
});

it("takes arrow keys together", () => {
  expect(tiltOfKeys([])).toBeNull();
  expect(tiltOfKeys(["a", "Shift"])).toBeNull();
  expect(tiltOfKeys(["ArrowRight"])).toEqual({ right: 1, down: 0 });
  expect(tiltOfKeys(["ArrowLeft", "ArrowRight"])).toEqual(UPRIGHT);
  expect(payloadOf(tiltOfKeys(["ArrowUp", "ArrowLeft"]) ?? UPRIGHT)).toBe("180:-180:0\n");
});

describe("a stick", () => {
  let now: number;
  let timers: { at: number; callback: () => void }[];
  let sent: [number, string][];
  let stick: Stick;

  /** Let time pass, in milliseconds. */
  function pass(milliseconds: number): void {
    const end = now + milliseconds;
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      timers.splice(timers.indexOf(next), 1);
      now = next.at;
      next.callback();
    }
    now = end;
  }

  beforeEach(() => {
    now = 0;
    timers = [];
    sent = [];
    stick = new Stick({
      send: (payload) => sent.push([now, payload]),
      after: (milliseconds, callback) => {
        const timer = { at: now + milliseconds, callback };
        timers.push(timer);
        return () => {
          timers = timers.filter((each) => each !== timer);
        };
      },
    });
  });

  it("tells once a second where it is, and twice that it was let go", () => {
    stick.hold(tiltOf(1, 0));
    pass(500);
    stick.hold(tiltOf(0, 1));
    stick.hold(tiltOf(0, -1));
    pass(600);
    expect(stick.held).toBe(true);
    stick.release();
    stick.release();
    expect(stick.held).toBe(false);
    pass(60_000);
    expect(sent).toEqual([
      [0, "-255:0:-255\n"],
      [1000, "0:-255:-255\n"],
      [1100, STOP],
      [1200, STOP],
    ]);
    expect(timers).toEqual([]);
  });

  it("says nothing that was not held", () => {
    stick.release();
    stick.lost();
    stick.reconnected();
    pass(5000);
    expect(sent).toEqual([]);
  });

  it("taken again at once does not stumble over its own stop", () => {
    stick.hold(tiltOf(1, 0));
    stick.release();
    pass(50);
    stick.hold(tiltOf(-1, 0));
    pass(500);
    expect(sent.map(([, payload]) => payload)).toEqual(["-255:0:-255\n", STOP, "255:0:255\n"]);
  });

  it("is let go with the connection, and stops when there is one again", () => {
    stick.hold(tiltOf(1, 0));
    pass(200);
    stick.lost();
    stick.lost();
    pass(5000);
    expect(sent).toHaveLength(1);
    stick.reconnected();
    stick.reconnected();
    pass(5000);
    expect(sent.slice(1)).toEqual([
      [5200, STOP],
      [5300, STOP],
    ]);
  });

  it("owes no stop to whoever took it again", () => {
    stick.hold(tiltOf(1, 0));
    stick.lost();
    stick.hold(tiltOf(0, 1));
    stick.reconnected();
    pass(10);
    expect(sent.map(([, payload]) => payload)).toEqual(["-255:0:-255\n", "0:255:255\n"]);
  });
});

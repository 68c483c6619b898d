// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { Memory } from "../../src/model/memory";
import { anglesOf, UPRIGHT } from "../../src/model/imu";
import type { Json, ToPage } from "../../src/wire/messages";

const update = (data: Json, time: number, endpoint = "temperature", uid = "1"): ToPage => ({
  type: "update",
  uid,
  endpoint,
  data,
  time,
});

const snapshot = (data: Json, time: number): ToPage => ({
  type: "snapshot",
  nodes: [{ uid: "1", availability: "online", seen: time, resources: { temperature: [data, time] } }],
});

/** Points as `time:number`; a gap is `|`. */
function told(memory: Memory, endpoint = "temperature", track = ""): string {
  const { times, numbers } = memory.read("1", endpoint, track, 0, 1e12);
  return [...times].map((time, index) => (Number.isNaN(numbers[index]) ? "|" : `${time}:${numbers[index]}`)).join(" ");
}

function remembered(...messages: readonly ToPage[]): Memory {
  const memory = new Memory();
  memory.received(messages, 12);
  return memory;
}

describe("what is remembered", () => {
  it("is each number, whatever unit it has, and the time where none was said", () => {
    const memory = remembered(update("1°C", 10), update("2.5°C", 11), { type: "update", uid: "1", endpoint: "/temperature", data: "3°C" });
    expect(told(memory)).toBe("10:1 11:2.5 12:3");
    expect(memory.since("1", "temperature")).toBe(10);
  });

  it("is no fact and no text", () => {
    const memory = remembered(update("1.2", 10, "version"), update("hello", 11, "text"));
    expect(memory.size).toBe(0);
    expect(memory.since("1", "version")).toBeNull();
    expect(memory.read("1", "text", "", 0, 100).times).toHaveLength(0);
  });

  it("is on and off as one and zero", () => {
    expect(told(remembered(update(true, 1, "door"), update(false, 2, "door"), update("1", 3, "door")), "door")).toBe("1:1 2:0 3:1");
  });

  it("starts anew with another unit", () => {
    expect(told(remembered(update("1°C", 1), update("34°F", 2)))).toBe("2:34");
  });

  it("can be asked for in part, with the point before it", () => {
    const memory = remembered(...[1, 2, 3, 4, 5].map((time) => update(time, time)));
    expect([...memory.read("1", "temperature", "", 3, 4.5).times]).toEqual([2, 3, 4]);
    expect([...memory.latest("1", "temperature", "", 2).times]).toEqual([4, 5]);
  });
});

describe("a gap", () => {
  it("is where the node has nothing to say, once", () => {
    expect(told(remembered(update(1, 1), update(null, 2), update("nan", 3), update(2, 4)))).toBe("1:1 | 4:2");
    expect(told(remembered(update(1, 1), { type: "reset", uid: "1" }, { type: "out", uid: "1" }, update(2, 4)))).toBe("1:1 | 4:2");
  });

  it("is where it is silent for much longer than usual", () => {
    expect(told(remembered(update(1, 0), update(2, 5), update(3, 10), update(4, 60), update(5, 65)))).toBe("0:1 5:2 10:3 | 60:4 65:5");
    expect(told(remembered(update(1, 0), update(2, 60), update(3, 180)))).toBe("0:1 60:2 180:3");
  });

  it("is where the page was not connected and missed something", () => {
    const memory = remembered(update(1, 0), update(2, 1));
    memory.lost();
    memory.received([snapshot(9, 4)], 4);
    expect(told(memory)).toBe("0:1 1:2 | 4:9");
  });

  it("is not where nothing was missed", () => {
    const memory = remembered(update(1, 0), update(2, 1));
    memory.lost();
    memory.received([snapshot(2, 1), update(3, 2)], 2);
    expect(told(memory)).toBe("0:1 1:2 2:3");
  });
});

describe("what is said again", () => {
  it("is not remembered twice", () => {
    expect(told(remembered(update(1, 1), update(2, 2), snapshot(2, 2), update(2, 2)))).toBe("1:1 2:2");
  });

  it("takes the place of what came after it", () => {
    expect(told(remembered(update(1, 1), update(2, 2), update(3, 3), update(7, 2), update(8, 3)))).toBe("1:1 2:7 3:8");
  });
});

describe("the bound", () => {
  it("holds whatever happens, and the newest are kept", () => {
    const memory = new Memory(256);
    for (let time = 0; time < 500; time += 1) memory.received([update(time, time)], time);
    expect(memory.size).toBe(256);
    expect([...memory.latest("1", "temperature", "", 2).times]).toEqual([498, 499]);
    expect(memory.since("1", "temperature")).toBe(244);

    memory.received([update(1, 500, "humidity")], 500);
    expect(memory.size).toBe(160);
    for (let node = 0; node < 50; node += 1) memory.received([update(1, 501, "temperature", `n${node}`)], 501);
    expect(memory.size).toBeLessThanOrEqual(256);
    expect(memory.since("n49", "temperature")).toBe(501);
    expect(memory.since("1", "temperature")).toBeNull();
  });

  it("counts what is forgotten", () => {
    const memory = remembered(update(1, 1), update(1, 1, "temperature", "2"));
    memory.keepOnly(new Set(["2"]));
    expect(memory.since("1", "temperature")).toBeNull();
    expect(memory.since("2", "temperature")).toBe(1);
    expect(memory.size).toBe(32);
  });
});

describe("motion", () => {
  const motion = (type: string, values: readonly number[], time: number): ToPage =>
    update(JSON.stringify([{ type, values }]), time, "imu");

  it("is remembered for each sensor, though a message holds only one", () => {
    const memory = remembered(motion("acc", [3, 4, 0], 1), motion("gyro", [1, -2, 3], 2), motion("acc", [0, 0, 1], 3));
    expect(told(memory, "imu", "acc")).toBe("1:5 3:1");
    expect(told(memory, "imu", "gyro.y")).toBe("2:-2");
    expect(told(memory, "imu", "mag.x")).toBe("");
  });

  it("turns the body of each node for itself, until it is straightened", () => {
    const memory = remembered(motion("gyro", [0, 0, 90], 1), motion("gyro", [0, 0, 90], 1.5), motion("gyro", [0, 0, 90], 2));
    memory.received([update([{ type: "gyro", values: [9, 9, 9] }], 3, "imu", "2")], 3);
    expect(anglesOf(memory.turn("1")).yaw).toBeCloseTo(90);
    expect(memory.turn("2")).toEqual(UPRIGHT);
    memory.straighten("1");
    expect(memory.turn("1")).toEqual(UPRIGHT);
  });
});

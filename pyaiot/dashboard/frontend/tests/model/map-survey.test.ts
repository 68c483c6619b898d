// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";
import atlas from "world-atlas/countries-110m.json";

import { gistOf } from "../../src/model/map/gist";
import { spotOf } from "../../src/model/map/mercator";
import { clipped, meet, worldOf, type Atlas } from "../../src/model/map/outline";
import { chosenNodes, NOBODY, surveyPlan, surveyWorld, unlessSame } from "../../src/model/map/survey";
import { Whereabouts } from "../../src/model/map/whereabouts";
import { reduce } from "../../src/model/reduce";
import { NOTHING, type Node, type State } from "../../src/model/state";
import type { Json, ToPage } from "../../src/wire/messages";

const NOW = { wall: 1000, steady: 10 };

function stateOf(nodes: Readonly<Record<string, Readonly<Record<string, Json>>>>, from = NOTHING): State {
  const messages = Object.entries(nodes).flatMap<ToPage>(([uid, values]) => [
    { type: "new", uid, dst: "all" },
    ...Object.entries(values).map<ToPage>(([endpoint, data]) => ({ type: "update", uid, endpoint, data, dst: "all" })),
  ]);
  return reduce(from, [{ type: "received", messages }], NOW);
}

function someNode(values: Readonly<Record<string, Json>>): Node {
  const node = stateOf({ "1": values }).nodes.get("1");
  if (node === undefined) throw new Error("no node");
  return node;
}

function everyone(state: State): readonly Node[] {
  return chosenNodes(state, () => true);
}

describe("a survey", () => {
  const state = stateOf({
    "1": { name: "A", position: '{"lat": 48.7, "lng": 2.2}' },
    "2": { name: "B", position: { lat: 999, lng: 2 } },
    "3": { name: "C", temperature: "3°C" },
  });

  it("loses nobody, and says why somebody is not on the map", () => {
    const { standing, absent } = surveyWorld(everyone(state), new Whereabouts());
    expect(standing).toEqual([{ uid: "1", presence: "online", ...spotOf({ lat: 48.7, lng: 2.2 }) }]);
    expect(absent).toEqual([
      { uid: "2", why: "nonsense" },
      { uid: "3", why: "silent" },
    ]);
  });

  it("leaves out who does not match", () => {
    expect(chosenNodes(state, ({ uid }) => uid !== "1").map(({ uid }) => uid)).toEqual(["2", "3"]);
  });

  it("takes the places of a floor plan from its own list", () => {
    const spots = { "3": [0.5, 1], constructor: [0, 0] } as const;
    const { standing, absent } = surveyPlan(everyone(state), spots, { width: 1, height: 0.5 });
    expect(standing).toEqual([{ uid: "3", presence: "online", x: 0.5, y: 0.5 }]);
    expect(absent.map(({ uid, why }) => [uid, why])).toEqual([
      ["1", "unplaced"],
      ["2", "unplaced"],
    ]);
    // A node may be called like what every object has.
    expect(surveyPlan(everyone(stateOf({ toString: {} })), {}, { width: 1, height: 1 }).standing).toEqual([]);
  });

  it("stays the same while only values change", () => {
    const whereabouts = new Whereabouts();
    const before = surveyWorld(everyone(state), whereabouts);
    const look = (next: State): typeof before => unlessSame(before, surveyWorld(everyone(next), whereabouts));
    expect(look(stateOf({ "3": { temperature: "4°C" } }, state))).toBe(before);
    expect(look(stateOf({ "1": { position: { lat: 48.7, lng: 2.2 } } }, state))).toBe(before);
    expect(look(stateOf({ "1": { position: { lat: 48.8, lng: 2.2 } } }, state))).not.toBe(before);
    expect(look(stateOf({ "2": { position: { lat: 1, lng: 2 } } }, state)).standing).toHaveLength(2);
    const late: ToPage = { type: "availability", uid: "1", availability: "late", seen: 1 };
    expect(look(reduce(state, [{ type: "received", messages: [late] }], NOW)).standing[0]?.presence).toBe("late");
    const out: ToPage = { type: "out", uid: "1" };
    expect(look(reduce(state, [{ type: "received", messages: [out] }], NOW)).standing[0]?.presence).toBe("gone");
    expect(unlessSame(NOBODY, before)).toBe(before);
  });
});

describe("the gist of a node", () => {
  const node = someNode({
    name: "A", os: "riot", pm: "7", humidity: "45%", temperature: "3°C", position: { lat: 1, lng: 2 }, note: "hi", tree: { a: 1 }, led: "1",
  });

  it("is what people look for first", () => {
    const all = gistOf(node, 9, new Set()).map(({ endpoint }) => endpoint);
    expect(all).toEqual(["temperature", "humidity", "led", "pm", "note"]);
    expect(gistOf(node, 1, new Set()).map(({ endpoint }) => endpoint)).toEqual(["temperature"]);
  });

  it("leaves out what is hidden, here or everywhere", () => {
    const hidden = new Set(["1/temperature", "*/led", "2/humidity"]);
    expect(gistOf(node, 2, hidden).map(({ endpoint }) => endpoint)).toEqual(["humidity", "pm"]);
  });
});

describe("the outlines of the world", () => {
  const world = worldOf(atlas as unknown as Atlas);

  function isLand(lat: number, lng: number): boolean {
    const { x, y } = spotOf({ lat, lng });
    let inside = false;
    for (const { points } of world.land) {
      for (let at = 0, from = points.length - 2; at < points.length; from = at, at += 2) {
        const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = [points[at], points[at + 1], points[from], points[from + 1]];
        if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
      }
    }
    return inside;
  }

  it.each([
    ["Paris", 48.8, 2.3, true],
    ["the Atlantic", 40, -40, false],
    ["Siberia", 66, 100, true],
    ["Chukotka, beyond the 180th meridian", 66.5, -175, true],
    ["the Arctic Ocean", 80, 170, false],
    ["the South Pole", -84, 10, true],
    ["the Southern Ocean", -60, 100, false],
  ])("know %s", (_name, lat, lng, land) => {
    expect(isLand(lat, lng)).toBe(land);
  });

  it("do not run across the whole map", () => {
    let longest = 0;
    for (const { points } of [...world.land, ...world.borders]) {
      for (let at = 2; at < points.length; at += 2) {
        const edge = points[at + 1] === 1 && points[at - 1] === 1;
        if (!edge) longest = Math.max(longest, Math.abs((points[at] ?? 0) - (points[at - 2] ?? 0)));
      }
    }
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(0.25);
  });

  it("are cut to what is in sight", () => {
    const square = Float64Array.from([-1, -1, 3, -1, 3, 3, -1, 3]);
    const box = { left: 0, top: 0, right: 1, bottom: 2 };
    const cut = clipped(square, box);
    const xs = [...cut].filter((_, at) => at % 2 === 0);
    const ys = [...cut].filter((_, at) => at % 2 === 1);
    expect([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]).toEqual([0, 1, 0, 2]);
    expect(clipped(Float64Array.from([5, 5, 6, 5, 6, 6]), box)).toHaveLength(0);
    const inside = Float64Array.from([0.2, 0.2, 0.8, 0.2, 0.5, 0.9]);
    expect([...clipped(inside, box)]).toEqual([...inside]);
    expect(meet(box, { left: 1, top: 2, right: 3, bottom: 3 })).toBe(true);
    expect(meet(box, { left: 1.1, top: 2, right: 3, bottom: 3 })).toBe(false);
  });
});

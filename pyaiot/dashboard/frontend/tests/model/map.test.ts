// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import {
  between,
  bounded,
  boxOf,
  earthCamera,
  earthText,
  farthest,
  fitted,
  panned,
  planCamera,
  planText,
  scaleOf,
  seenAt,
  spotAt,
  zoomedAt,
  type Camera,
} from "../../src/model/map/camera";
import { Clusters, eachAlone, type Standing } from "../../src/model/map/clusters";
import { withRoom } from "../../src/model/map/crowd";
import { graticule, scaleBar } from "../../src/model/map/grid";
import { metresAcross, MOST_LAT, placeAt, spotOf } from "../../src/model/map/mercator";
import { positionOf } from "../../src/model/map/position";
import { nextTowards } from "../../src/model/map/steer";
import { tilesFor } from "../../src/model/map/tiles";
import type { Json } from "../../src/wire/messages";

const SIZE = { width: 1000, height: 600 };
const EARTH = { nearest: 19, ground: { width: 1, height: 1 } };
const PLAN = { nearest: 8, ground: { width: 1, height: 0.5 } };

describe("positionOf", () => {
  it.each<[Json, number, number]>([
    [{ lat: 48.7, lng: 2.2 }, 48.7, 2.2],
    ['{"lat": 48.714784, "lng": 2.205502}', 48.714784, 2.205502],
    [' {"lng": -180, "lat": 90, "alt": 7}', 90, -180],
    [{ lat: 0, lng: 0 }, 0, 0],
  ])("%j is a place", (value, lat, lng) => {
    expect(positionOf(value)).toEqual({ lat, lng });
  });

  it.each<[Json | undefined]>([
    [undefined],
    [null],
    [""],
    [7],
    [true],
    ["48.7,2.2"],
    ["Paris"],
    ['{"lat": 48.7'],
    [{}],
    [[]],
    [[48.7, 2.2]],
    [{ lat: 48.7 }],
    [{ lat: 999, lng: 2 }],
    [{ lat: 48, lng: -180.1 }],
    [{ lat: "48.7", lng: "2.2" }],
    [{ lat: null, lng: null }],
    ['{"lat": 1e999, "lng": 0}'],
    [{ lat: Number.NaN, lng: 0 }],
    [{ lat: [48], lng: { a: 2 } }],
    [{ lat: "<img src=x onerror=alert(1)>", lng: "javascript:alert(1)" }],
  ])("%j is none", (value) => {
    expect(positionOf(value)).toBeNull();
  });
});

describe("Web Mercator", () => {
  it("has the origin in the middle, and its corners where it ends", () => {
    expect(spotOf({ lat: 0, lng: 0 })).toEqual({ x: 0.5, y: 0.5 });
    const corner = spotOf({ lat: MOST_LAT, lng: -180 });
    expect(corner.x).toBe(0);
    expect(corner.y).toBeCloseTo(0, 12);
    expect(spotOf({ lat: -90, lng: 180 })).toEqual(spotOf({ lat: -MOST_LAT, lng: 180 }));
  });

  it("agrees with the tiles of others", () => {
    // The tile of OpenStreetMap with the Eiffel tower.
    const { x, y } = spotOf({ lat: 48.8583, lng: 2.2945 });
    expect([Math.floor(x * 2 ** 16), Math.floor(y * 2 ** 16)]).toEqual([33185, 22545]);
  });

  it.each([
    [48.714784, 2.205502],
    [-33.9, 151.2],
    [84.9, -179.9],
  ])("leads back to %d, %d", (lat, lng) => {
    const place = placeAt(spotOf({ lat, lng }));
    expect(place.lat).toBeCloseTo(lat, 9);
    expect(place.lng).toBeCloseTo(lng, 9);
  });

  it("knows that the world is narrower farther north", () => {
    expect(metresAcross(0.5)).toBeCloseTo(40_075_016.7, 1);
    expect(metresAcross(spotOf({ lat: 60, lng: 0 }).y)).toBeCloseTo(40_075_016.7 / 2, 0);
  });
});

describe("a camera", () => {
  const camera: Camera = { x: 0.5, y: 0.25, zoom: 3 };

  it("sees its middle in the middle, and spots where they are seen", () => {
    expect(seenAt(camera, SIZE, camera)).toEqual({ x: 500, y: 300 });
    const spot = spotAt(camera, SIZE, { x: 12, y: 590 });
    expect(seenAt(camera, SIZE, spot).x).toBeCloseTo(12, 9);
    expect(seenAt(camera, SIZE, spot).y).toBeCloseTo(590, 9);
    const box = boxOf(camera, SIZE, 10);
    expect((box.right - box.left) * scaleOf(camera)).toBeCloseTo(1020, 9);
    expect((box.bottom - box.top) * scaleOf(camera)).toBeCloseTo(620, 9);
  });

  it("keeps what is below the pointer there when it comes nearer", () => {
    const pixel = { x: 900, y: 20 };
    const spot = spotAt(camera, SIZE, pixel);
    const near = zoomedAt(camera, SIZE, 7.5, pixel);
    expect(near.zoom).toBe(7.5);
    expect(seenAt(near, SIZE, spot).x).toBeCloseTo(900, 6);
    expect(seenAt(near, SIZE, spot).y).toBeCloseTo(20, 6);
  });

  it("pans by pixels", () => {
    const moved = panned(camera, 100, -50);
    expect(seenAt(moved, SIZE, camera).x).toBeCloseTo(400, 9);
    expect(seenAt(moved, SIZE, camera).y).toBeCloseTo(350, 9);
  });

  it("stays on the ground, neither too near nor too far", () => {
    expect(bounded({ x: -1, y: 2, zoom: 40 }, SIZE, EARTH)).toEqual({ x: 0, y: 1, zoom: 19 });
    const far = bounded({ x: 0.5, y: 0.9, zoom: -9 }, SIZE, PLAN);
    expect(far.y).toBe(0.5);
    expect(far.zoom).toBe(farthest(SIZE, PLAN));
    // The whole plan is in sight then.
    const corner = seenAt({ ...far, y: 0.25 }, SIZE, { x: 1, y: 0.5 });
    expect(corner.x).toBeLessThanOrEqual(1000);
    expect(corner.y).toBeLessThanOrEqual(600);
  });

  it("fits all spots, with room around them", () => {
    const spots = [spotOf({ lat: 60, lng: -10 }), spotOf({ lat: 36, lng: 30 }), spotOf({ lat: 48, lng: 2 })];
    const fit = fitted(spots, SIZE, EARTH);
    for (const spot of spots) {
      const { x, y } = seenAt(fit, SIZE, spot);
      expect(x).toBeGreaterThan(100);
      expect(x).toBeLessThan(900);
      expect(y).toBeGreaterThan(60);
      expect(y).toBeLessThan(540);
    }
  });

  it("goes no nearer than wanted to a single spot, and shows all where there is none", () => {
    const spot = spotOf({ lat: 48, lng: 2 });
    expect(fitted([spot], SIZE, EARTH, 6)).toEqual({ ...spot, zoom: 6 });
    expect(fitted([spot, spot], SIZE, EARTH).zoom).toBe(19);
    expect(fitted([], SIZE, PLAN)).toEqual({ x: 0.5, y: 0.25, zoom: farthest(SIZE, PLAN) });
  });

  it("glides evenly", () => {
    const to: Camera = { x: 0.6, y: 0.3, zoom: 6 };
    expect(between(camera, to, 0)).toEqual(camera);
    expect(between(camera, to, 1).x).toBeCloseTo(to.x, 12);
    const half = between(camera, to, 0.5);
    expect(half.zoom).toBe(4.5);
    // Most of the way is made while it is still far away.
    expect(half.x).toBeGreaterThan(0.55);
    expect(between(camera, { ...to, zoom: 3 }, 0.5).x).toBeCloseTo(0.55, 12);
  });

  it("can be written and read", () => {
    const text = earthText({ ...spotOf({ lat: 48.714784, lng: -2.205502 }), zoom: 14.25 });
    expect(text).toBe("48.714784,-2.205502,14.25");
    const read = earthCamera(text);
    expect(read?.zoom).toBe(14.25);
    expect(placeAt(read ?? { x: 0, y: 0 }).lng).toBeCloseTo(-2.205502, 9);
    expect(earthText({ x: 0.5, y: 0.5, zoom: 0 })).toBe("0,0,0");
    expect(planText({ x: 0.25, y: 0.125, zoom: 3 }, PLAN.ground)).toBe("0.25,0.25,3");
    expect(planCamera("0.25,0.5,3", PLAN.ground)).toEqual({ x: 0.25, y: 0.25, zoom: 3 });
  });

  it.each([undefined, "", "1,2", "a,b,c", "1,2,3,4", "91,0,3", "0,181,3", "1e3,0,0", "NaN,0,0", " 1,2,3", "1,2,99999", "<b>,1,2"])(
    "is not read from %j",
    (text) => {
      expect(earthCamera(text)).toBeNull();
    },
  );

  it.each([undefined, "2,0,1", "-0.1,0,1", "0,1.5,1"])("of a plan is not read from %j", (text) => {
    expect(planCamera(text, PLAN.ground)).toBeNull();
  });
});

function standing(uid: string, lat: number, lng: number, presence: Standing["presence"] = "online"): Standing {
  return { uid, presence, ...spotOf({ lat, lng }) };
}

describe("clusters", () => {
  const all = [
    standing("paris", 48.85, 2.35),
    standing("lab-1", 48.7147, 2.2055, "late"),
    standing("lab-2", 48.7147, 2.2055, "gone"),
    standing("sydney", -33.9, 151.2, "offline"),
  ];
  const clusters = new Clusters(all);
  const world = { left: 0, top: 0, right: 1, bottom: 1 };

  it("hold who is near each other, and say how many are what", () => {
    const { singles, clusters: found } = clusters.within(world, 2.9);
    expect(singles.map(({ uid }) => uid)).toEqual(["sydney"]);
    expect(found).toHaveLength(1);
    expect(found[0]?.total).toBe(3);
    expect(found[0]?.counts).toEqual({ online: 1, late: 1, offline: 0, gone: 1 });
    expect(found[0]?.x).toBeCloseTo(spotOf({ lat: 48.76, lng: 2.25 }).x, 3);
  });

  it("fall apart from nearer, but for nodes at one place", () => {
    const [both] = clusters.within(world, 2).clusters;
    const apart = clusters.apartAt(both?.id ?? 0);
    expect(apart).toBeGreaterThan(2);
    const near = clusters.within(world, apart ?? 0);
    expect(near.singles.map(({ uid }) => uid).sort()).toEqual(["paris", "sydney"]);
    const same = near.clusters[0];
    expect(same?.total).toBe(2);
    expect(clusters.apartAt(same?.id ?? 0)).toBeNull();
    expect(clusters.members(same?.id ?? 0).map(({ uid }) => uid).sort()).toEqual(["lab-1", "lab-2"]);
    expect(clusters.within(world, 30).clusters).toHaveLength(1);
  });

  it("are looked for only where one looks", () => {
    const europe = { left: 0.48, top: 0.3, right: 0.55, bottom: 0.4 };
    const { singles, clusters: found } = clusters.within(europe, 3);
    expect(singles).toHaveLength(0);
    expect(found).toHaveLength(1);
    expect(clusters.within({ left: -3, top: -3, right: 4, bottom: 4 }, 3).singles).toHaveLength(1);
    expect(eachAlone(all, europe).map(({ uid }) => uid)).toEqual(["paris", "lab-1", "lab-2"]);
  });

  it("bear that nobody is there", () => {
    expect(new Clusters([]).within(world, 3)).toEqual({ singles: [], clusters: [] });
  });
});

describe("words beside marks", () => {
  it("are there where there is room, on either side", () => {
    const alone = { x: 100, y: 100 };
    const atEdge = { x: 950, y: 300 };
    const [left, right] = [{ x: 400, y: 500 }, { x: 450, y: 510 }];
    const found = withRoom([alone, atEdge, left, right], 1000);
    expect(found.get(alone)).toBe("right");
    expect(found.get(atEdge)).toBe("left");
    expect(found.get(left)).toBe("left");
    expect(found.get(right)).toBe("right");
  });

  it("give way to marks and to other words", () => {
    const row = [0, 1, 2, 3].map((at) => ({ x: 300 + at * 46, y: 100 }));
    expect([...withRoom(row, 1000).values()]).toEqual(["left", "right"]);
    const stack = [{ x: 300, y: 100 }, { x: 300, y: 130 }];
    expect(withRoom(stack, 1000).size).toBe(0);
  });

  it("are left out in a crowd", () => {
    const crowd = Array.from({ length: 301 }, (_, at) => ({ x: at * 500, y: at * 500 }));
    expect(withRoom(crowd, 1000).size).toBe(0);
    expect(withRoom(crowd.slice(1), 1000).size).toBe(300);
  });
});

describe("nextTowards", () => {
  const here = { x: 0, y: 0 };
  const east = { x: 50, y: 10 };
  const farEast = { x: 200, y: 0 };
  const northEast = { x: 40, y: -60 };
  const others = [here, farEast, east, northEast];

  it("finds the nearest in a direction", () => {
    expect(nextTowards(here, "right", others)).toBe(east);
    expect(nextTowards(here, "up", others)).toBe(northEast);
    expect(nextTowards(east, "left", others)).toBe(here);
    expect(nextTowards(here, "down", [here, { x: 0, y: 5 }])).toEqual({ x: 0, y: 5 });
  });

  it("finds none where nobody is", () => {
    expect(nextTowards(here, "left", others)).toBeNull();
    expect(nextTowards(here, "down", others)).toBeNull();
  });
});

describe("graticule", () => {
  it("has round degrees, far enough from each other", () => {
    for (const zoom of [1, 2.5, 4, 7, 11, 16, 19]) {
      const camera = { ...spotOf({ lat: 48.7, lng: 2.2 }), zoom };
      const { meridians, parallels, digits } = graticule(boxOf(camera, SIZE), zoom);
      expect(meridians.length).toBeGreaterThan(1);
      expect(meridians.length).toBeLessThan(14);
      expect(parallels.length).toBeGreaterThan(0);
      const [first, second] = meridians.map(({ degrees }) => degrees.toFixed(digits));
      expect(first).not.toBe(second);
    }
  });

  it("has no more lines than the world has degrees", () => {
    const { meridians, parallels } = graticule({ left: -9, top: -9, right: 9, bottom: 9 }, 0);
    expect(meridians.map(({ degrees }) => degrees)).toContain(180);
    expect(meridians).toHaveLength(13);
    expect(parallels).toHaveLength(5);
  });
});

describe("scaleBar", () => {
  it("is a round length, not longer than there is room", () => {
    for (let zoom = 0; zoom < 20; zoom += 0.7) {
      const { metres, pixels } = scaleBar(zoom, 0.4, 100);
      expect(pixels).toBeLessThanOrEqual(100);
      expect(pixels).toBeGreaterThan(39);
      expect(["1", "2", "5"]).toContain(metres.toPrecision(1).slice(0, 1));
    }
    expect(scaleBar(0, 0.5, 256).metres).toBe(20_000_000);
  });
});

describe("tilesFor", () => {
  const TEMPLATE = "https://tile.example.org/{z}/{x}/{y}.png?k={not}";

  it("asks for the pictures in sight, those in the middle first", () => {
    const camera = { ...spotOf({ lat: 48.8583, lng: 2.2945 }), zoom: 16 };
    const tiles = tilesFor(camera, SIZE, TEMPLATE);
    expect(tiles[0]?.url).toBe("https://tile.example.org/16/33185/22545.png?k={not}");
    expect(tiles.length).toBeGreaterThanOrEqual(12);
    expect(tiles.length).toBeLessThanOrEqual(24);
    expect(new Set(tiles.map(({ key }) => key)).size).toBe(tiles.length);
  });

  it("asks for none that does not exist, and for a bounded number", () => {
    const all = tilesFor({ x: 0, y: 0, zoom: 1 }, { width: 3000, height: 3000 }, TEMPLATE);
    expect(all.map(({ key }) => key).sort()).toEqual(["1/0/0", "1/0/1", "1/1/0", "1/1/1"]);
    expect(tilesFor({ x: 0.5, y: 0.5, zoom: 22 }, SIZE, TEMPLATE)[0]?.key).toMatch(/^19\//);
    expect(tilesFor({ x: 0.5, y: 0.5, zoom: 12 }, { width: 20_000, height: 20_000 }, TEMPLATE).length).toBeLessThan(500);
  });
});

// SPDX-License-Identifier: BSD-3-Clause
import coarse from "world-atlas/countries-110m.json?url";
import fine from "world-atlas/countries-50m.json?url";

import { worldOf, type Atlas, type World } from "../../model/map/outline";

/** Outlines of the world for a look from afar, and for one from nearer. */
export type Detail = "coarse" | "fine";

const FILES: Readonly<Record<Detail, string>> = { coarse, fine };
const loaded = new Map<Detail, Promise<World>>();

/** The world, loaded when first asked for. Rejects when it cannot be had; it is then asked for anew. */
export function worldIn(detail: Detail): Promise<World> {
  const before = loaded.get(detail);
  if (before !== undefined) return before;
  const world = load(FILES[detail]);
  loaded.set(detail, world);
  world.catch(() => loaded.delete(detail));
  return world;
}

async function load(url: string): Promise<World> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return worldOf((await answer.json()) as Atlas);
}

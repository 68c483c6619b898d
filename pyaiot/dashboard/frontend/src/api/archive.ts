// SPDX-License-Identifier: BSD-3-Clause
import { seriesOf, trackKey, type Archive } from "../model/annals";
import type { Series } from "../model/ring";
import type { Span } from "../model/series";
import { at, type Client } from "./client";
import type { Course, Page, Series as Stored } from "./types";

/** What the server has stored. */
export class StoredArchive implements Archive {
  constructor(private readonly client: Client) {}

  async beginnings(uid: string): Promise<ReadonlyMap<string, number>> {
    const { items } = await this.client.call<Page<Stored>>("GET", `${at("nodes", uid)}/series`);
    return new Map(
      items.flatMap(({ endpoint, path, first }) => (first === null ? [] : [[trackKey(endpoint, path), first] as const])),
    );
  }

  async course(uid: string, endpoint: string, track: string, { from, to }: Span, points: number): Promise<Series> {
    const course = await this.client.call<Course>("GET", `${at("nodes", uid, "resources", endpoint)}/history`, {
      query: { from: Math.max(0, from), to, points, path: track },
    });
    return seriesOf(course.points, course.step);
  }
}

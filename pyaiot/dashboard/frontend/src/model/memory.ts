// SPDX-License-Identifier: BSD-3-Clause
import type { Json, ToPage } from "../wire/messages";
import { motionOf, norm, turned, UPRIGHT, type Motion, type Quaternion } from "./imu";
import { NO_SERIES, Ring, type Series } from "./ring";
import { isFact, isOn, quantityOf } from "./value";

/**
 * Where the course of a resource is to be had.
 *
 * A resource has one track without a name, or where its value holds several numbers (`imu`) one for
 * each. The page's own memory is such a source; a store would be another.
 */
export interface Source {
  /** The oldest moment that is known of a track, in seconds since the epoch; null if none is. */
  since(uid: string, endpoint: string, track: string): number | null;
  /** The points from `from` to `to`, and the one before them, so that a line can come from there. */
  read(uid: string, endpoint: string, track: string, from: number, to: number): Series;
}

/** The tracks of motion sensors. */
export const MOTION_TRACKS = ["acc", "gyro.x", "gyro.y", "gyro.z", "mag.x", "mag.y", "mag.z"] as const;

/** Points that are kept of all resources together, of 16 bytes each. */
export const MOST_POINTS = 1_500_000;
/** Points that are kept of one track: some hours of five a second. */
export const MOST_OF_ONE = 65_536;
/** Points that a new track has room for. */
const FEWEST = 32;
/** Intervals between points by which it is known what is usual. */
const INTERVALS = 8;
/** Silence of more than this many of the longest of these intervals is a gap. */
const SILENT = 3;
/** The same for a time in which the page was not connected, and so may have missed something. */
const MISSED = 1.5;
/** Silence that is never a gap by itself, in seconds. */
const PAUSE = 10;

interface Track {
  readonly ring: Ring;
  unit: string;
  /** The interruption of the connection after which the last point came. */
  era: number;
}

interface Body {
  turn: Quaternion;
  time: number;
}

/**
 * What the page has seen: the course of each number since it was opened, and how bodies turned.
 *
 * It stands outside of the state, for it changes with each message and is looked at by few. Its
 * size is bounded: the more resources there are, the fewer points are kept of each.
 */
export class Memory implements Source {
  private readonly nodes = new Map<string, Map<string, Map<string, Track>>>();
  private readonly bodies = new Map<string, Body>();
  private tracks = 0;
  private room = 0;
  /** Counts how often the connection was lost. */
  private era = 0;

  constructor(private readonly most = MOST_POINTS) {}

  /** Points for which there is room at present. */
  get size(): number {
    return this.room;
  }

  /** What the broker said at `wall`, in seconds since the epoch by its clock. */
  received(messages: readonly ToPage[], wall: number): void {
    for (const message of messages) {
      if (message.type === "update") this.record(message.uid, message.endpoint, message.data, message.time ?? wall);
      else if (message.type === "reset" || message.type === "out") this.interrupt(message.uid);
      else if (message.type === "snapshot") {
        for (const { uid, resources } of message.nodes) {
          for (const [endpoint, [value, time]] of Object.entries(resources)) this.record(uid, endpoint, value, time);
        }
      }
    }
  }

  /** The connection was lost: from now on something may be missed. */
  lost(): void {
    this.era += 1;
  }

  /** Forget nodes that are not there any more, once there are more of them than of the known. */
  keepOnly(known: { readonly size: number; has(uid: string): boolean }): void {
    if (this.nodes.size <= known.size) return;
    for (const uid of this.nodes.keys()) if (!known.has(uid)) this.drop(uid);
  }

  since(uid: string, endpoint: string, track = ""): number | null {
    const time = this.find(uid, endpoint, track)?.ring.timeAt(0);
    return time === undefined || Number.isNaN(time) ? null : time;
  }

  read(uid: string, endpoint: string, track: string, from: number, to: number): Series {
    const ring = this.find(uid, endpoint, track)?.ring;
    if (ring === undefined) return NO_SERIES;
    return ring.slice(Math.max(0, ring.olderThan(from) - 1), to >= ring.timeAt(-1) ? ring.size : ring.olderThan(to));
  }

  /** The last points of a track. */
  latest(uid: string, endpoint: string, track: string, most: number): Series {
    const ring = this.find(uid, endpoint, track)?.ring;
    return ring === undefined ? NO_SERIES : ring.slice(Math.max(0, ring.size - most), ring.size);
  }

  /** How the body of a node stands, by all its turns since the page saw it first. */
  turn(uid: string): Quaternion {
    return this.bodies.get(uid)?.turn ?? UPRIGHT;
  }

  /** Take the body of a node for upright as it now stands. */
  straighten(uid: string): void {
    const body = this.bodies.get(uid);
    if (body !== undefined) body.turn = UPRIGHT;
  }

  private record(uid: string, endpoint: string, value: Json, time: number): void {
    const name = endpoint.replace(/^\//, "");
    if (isFact(name)) return;
    if (name === "imu") {
      const motion = motionOf(value);
      if (motion !== null) this.move(uid, name, motion, time);
      return;
    }
    const quantity = quantityOf(value);
    const on = quantity === null ? isOn(value) : null;
    const number = quantity?.number ?? (on === null ? Number.NaN : Number(on));
    if (Number.isFinite(number)) this.point(uid, name, "", time, number, quantity?.unit ?? "");
    else this.gap(this.find(uid, name, ""));
  }

  private move(uid: string, endpoint: string, { acc, gyro, mag }: Motion, time: number): void {
    if (acc !== undefined) this.point(uid, endpoint, "acc", time, norm(acc), "");
    for (const [sensor, triple] of [["gyro", gyro], ["mag", mag]] as const) {
      triple?.forEach((number, axis) => {
        this.point(uid, endpoint, `${sensor}.${"xyz".charAt(axis)}`, time, number, "");
      });
    }
    if (gyro === undefined) return;
    const body = this.bodies.get(uid);
    if (body === undefined) this.bodies.set(uid, { turn: UPRIGHT, time });
    else {
      body.turn = turned(body.turn, gyro, time - body.time);
      body.time = time;
    }
  }

  private point(uid: string, endpoint: string, name: string, time: number, number: number, unit: string): void {
    const track = this.find(uid, endpoint, name) ?? this.begin(uid, endpoint, name, unit);
    const { ring } = track;
    if (track.unit !== unit) {
      ring.clear();
      track.unit = unit;
    }
    // The newest word counts. Where it is older than what came before (a gateway sends what it kept,
    // or a clock was set), what was said after it is about to be said again.
    if (ring.timeAt(-1) >= time) ring.cut(time);
    else this.endSilence(track, time);
    track.era = this.era;
    this.makeRoom(ring);
    ring.push(time, number);
  }

  /** Too much silence before a point is a gap. */
  private endSilence(track: Track, time: number): void {
    const silence = time - track.ring.timeAt(-1);
    const missed = track.era < this.era;
    if (!missed && silence <= PAUSE) return;
    const usual = longestInterval(track.ring);
    const limit = missed ? (usual ?? 0) * MISSED : Math.max(PAUSE, (usual ?? Number.POSITIVE_INFINITY) * SILENT);
    if (silence > limit) this.gap(track);
  }

  /** The line ends here, and begins anew with the next point. */
  private gap(track: Track | undefined): void {
    if (track === undefined || Number.isNaN(track.ring.numberAt(-1))) return;
    this.makeRoom(track.ring);
    track.ring.push(track.ring.timeAt(-1), Number.NaN);
  }

  private interrupt(uid: string): void {
    for (const tracks of this.nodes.get(uid)?.values() ?? []) for (const track of tracks.values()) this.gap(track);
  }

  private drop(uid: string): void {
    for (const tracks of this.nodes.get(uid)?.values() ?? []) {
      for (const { ring } of tracks.values()) {
        this.tracks -= 1;
        this.room -= ring.capacity;
      }
    }
    this.nodes.delete(uid);
    this.bodies.delete(uid);
  }

  private find(uid: string, endpoint: string, track: string): Track | undefined {
    return this.nodes.get(uid)?.get(endpoint)?.get(track);
  }

  private begin(uid: string, endpoint: string, name: string, unit: string): Track {
    const resources = this.nodes.get(uid) ?? new Map<string, Map<string, Track>>();
    const tracks = resources.get(endpoint) ?? new Map<string, Track>();
    this.nodes.set(uid, resources.set(endpoint, tracks));
    const track = { ring: new Ring(FEWEST), unit, era: this.era };
    tracks.set(name, track);
    this.tracks += 1;
    this.room += FEWEST;
    this.share();
    return track;
  }

  private makeRoom(ring: Ring): void {
    const wanted = ring.capacity * 2;
    if (!ring.full || wanted > this.fairShare) return;
    this.room += ring.capacity;
    ring.resize(wanted);
  }

  /** Points that may be kept of each track: a power of two, so that it seldom changes. */
  private get fairShare(): number {
    const share = 2 ** Math.floor(Math.log2(this.most / Math.max(1, this.tracks)));
    return Math.min(MOST_OF_ONE, Math.max(FEWEST, share));
  }

  /** Make those who have more than their share give it back; where that is not enough, the first go. */
  private share(): void {
    if (this.room <= this.most) return;
    const share = this.fairShare;
    for (const resources of this.nodes.values()) {
      for (const tracks of resources.values()) {
        for (const { ring } of tracks.values()) {
          if (ring.capacity <= share) continue;
          this.room -= ring.capacity - share;
          ring.resize(share);
        }
      }
    }
    const [first] = this.nodes.keys();
    if (this.room > this.most && first !== undefined && this.nodes.size > 1) this.drop(first);
  }
}

/** The longest of the last intervals between points, gaps not counted; null where there was none. */
function longestInterval(ring: Ring): number | null {
  let longest: number | null = null;
  for (let index = Math.max(1, ring.size - INTERVALS); index < ring.size; index += 1) {
    if (Number.isNaN(ring.numberAt(index) + ring.numberAt(index - 1))) continue;
    longest = Math.max(longest ?? 0, ring.timeAt(index) - ring.timeAt(index - 1));
  }
  return longest;
}

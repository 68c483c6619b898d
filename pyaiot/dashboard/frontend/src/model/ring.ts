// SPDX-License-Identifier: BSD-3-Clause

/** Numbers and when they were measured, oldest first. A number that is NaN is a gap. */
export interface Series {
  /** Seconds since the epoch. */
  readonly times: Float64Array;
  readonly numbers: Float64Array;
  /** Where a point stands for several readings: their lowest, their highest, and how many they are. */
  readonly spread?: {
    readonly lows: Float64Array;
    readonly highs: Float64Array;
    readonly counts: Float64Array;
  };
}

export const NO_SERIES: Series = { times: new Float64Array(0), numbers: new Float64Array(0) };

/** The last so many points of a series: a new one takes the place of the oldest. */
export class Ring {
  private times: Float64Array;
  private numbers: Float64Array;
  /** Where the oldest point is. */
  private start = 0;
  private count = 0;

  constructor(capacity: number) {
    this.times = new Float64Array(capacity);
    this.numbers = new Float64Array(capacity);
  }

  get capacity(): number {
    return this.times.length;
  }

  get size(): number {
    return this.count;
  }

  get full(): boolean {
    return this.count === this.capacity;
  }

  /** The time of a point, counted from the oldest, or with -1 from the newest; NaN if there is none. */
  timeAt(index: number): number {
    return this.at(this.times, index);
  }

  numberAt(index: number): number {
    return this.at(this.numbers, index);
  }

  push(time: number, number: number): void {
    const place = (this.start + this.count) % this.capacity;
    this.times[place] = time;
    this.numbers[place] = number;
    if (this.full) this.start = (this.start + 1) % this.capacity;
    else this.count += 1;
  }

  clear(): void {
    this.start = this.count = 0;
  }

  /** Forget all points from a time on. */
  cut(time: number): void {
    while (this.count > 0 && this.timeAt(-1) >= time) this.count -= 1;
  }

  /** Have room for another number of points; where it is less, the oldest go. */
  resize(capacity: number): void {
    const { times, numbers } = this.slice(Math.max(0, this.count - capacity), this.count);
    this.times = new Float64Array(capacity);
    this.numbers = new Float64Array(capacity);
    this.times.set(times);
    this.numbers.set(numbers);
    this.start = 0;
    this.count = times.length;
  }

  /** The points from the `from`th to before the `to`th, as a copy. */
  slice(from: number, to: number): Series {
    const size = Math.max(0, to - from);
    const times = new Float64Array(size);
    const numbers = new Float64Array(size);
    const begin = (this.start + from) % this.capacity;
    const first = Math.min(size, this.capacity - begin);
    times.set(this.times.subarray(begin, begin + first));
    numbers.set(this.numbers.subarray(begin, begin + first));
    times.set(this.times.subarray(0, size - first), first);
    numbers.set(this.numbers.subarray(0, size - first), first);
    return { times, numbers };
  }

  /** How many points are older than `time`. */
  olderThan(time: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeAt(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private at(values: Float64Array, index: number): number {
    const from = index < 0 ? this.count + index : index;
    if (from < 0 || from >= this.count) return Number.NaN;
    return values[(this.start + from) % this.capacity] ?? Number.NaN;
  }
}

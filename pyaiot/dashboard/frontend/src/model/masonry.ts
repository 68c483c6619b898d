// SPDX-License-Identifier: BSD-3-Clause

/** Something to be laid out: a card in one of the columns, or a heading across all of them. */
export interface Brick {
  readonly key: string;
  readonly height: number;
  readonly wide: boolean;
}

export interface Spot {
  readonly column: number;
  readonly top: number;
  readonly height: number;
}

export interface Wall {
  readonly spots: ReadonlyMap<string, Spot>;
  readonly height: number;
}

/** By how much the column in which a card stood may be longer than the shortest one, in pixels. */
const UNEVEN = 600;

/**
 * Lay cards of different heights into columns without holes.
 *
 * Each goes into the column that is shortest, so that they read by rows as well as may be. One that
 * stood in a column already (`before`) stays there, unless that would make the columns very
 * uneven: no card jumps aside because another one grew or came.
 */
export function masonry(
  bricks: readonly Brick[],
  columns: number,
  gap: number,
  before: ReadonlyMap<string, Spot> = new Map(),
): Wall {
  const spots = new Map<string, Spot>();
  const ends = new Array<number>(Math.max(1, columns)).fill(0);
  for (const { key, height, wide } of bricks) {
    if (wide) {
      const top = Math.max(...ends);
      spots.set(key, { column: 0, top, height });
      ends.fill(top + height + gap);
      continue;
    }
    const shortest = ends.indexOf(Math.min(...ends));
    const was = before.get(key)?.column;
    const stays = was !== undefined && was < ends.length && at(ends, was) - at(ends, shortest) <= UNEVEN;
    const column = stays ? was : shortest;
    const top = at(ends, column);
    spots.set(key, { column, top, height });
    ends[column] = top + height + gap;
  }
  return { spots, height: Math.max(0, Math.max(...ends) - gap) };
}

/** The keys of what lies between two heights, from the middle outwards. */
export function between({ spots }: Wall, from: number, to: number): readonly string[] {
  const middle = (from + to) / 2;
  const found: { readonly key: string; readonly far: number }[] = [];
  for (const [key, { top, height }] of spots) {
    if (top + height < from || top > to) continue;
    found.push({ key, far: Math.max(0, top - middle, middle - top - height) });
  }
  return found.sort((a, b) => a.far - b.far).map(({ key }) => key);
}

function at(numbers: readonly number[], index: number): number {
  return numbers[index] ?? 0;
}

// SPDX-License-Identifier: BSD-3-Clause
import { BUILT_IN, endpointOf, type Column } from "../../model/table/columns";
import type { Kind } from "../../model/value";
import { labelOf } from "../../words/label";
import { t } from "../../words";

/** How a column is drawn. */
export interface Drawn {
  readonly id: string;
  readonly endpoint: string | null;
  readonly label: string;
  /** The least width, in rem. */
  readonly width: number;
  /** How much of the width that is left over it takes. */
  readonly share: number;
  readonly numeric: boolean;
}

/** Room that a letter of a heading takes, and what stands beside it, in rem. */
const LETTER = 0.56;
const BESIDE = 2.9;
/** What a heading may widen a column to. */
const WIDEST = 11;
/** The name where it stays in sight while one scrolls sideways on a telephone. */
const NARROW_NAME = 10.5;

const BUILT_IN_WIDTHS: Readonly<Record<string, number>> = { name: 13, availability: 6.75, heard: 6, uid: 11 };
const WIDTHS: Readonly<Partial<Record<Kind, number>>> = { toggle: 8, indicator: 6, number: 8.25, unknown: 7, firmware: 11, structure: 12, imu: 12, position: 11 };
const USUAL = 9.5;

/** What a column is called. */
export function columnLabel(id: string): string {
  const endpoint = endpointOf(id);
  return endpoint === null ? t(`table.${id}`) : labelOf(endpoint);
}

export function drawnColumns(ids: readonly string[], known: readonly Column[], narrow: boolean): readonly Drawn[] {
  const kinds = new Map(known.map(({ id, kind }) => [id, kind]));
  return ids.map((id) => {
    const kind = kinds.get(id) ?? null;
    const label = columnLabel(id);
    const needed = Math.min(WIDEST, label.length * LETTER + BESIDE);
    const least = BUILT_IN_WIDTHS[id] ?? (kind === null ? USUAL : (WIDTHS[kind] ?? USUAL));
    const width = narrow && id === "name" ? NARROW_NAME : Math.max(least, needed);
    const share = id === "name" && !narrow ? 2 : 1;
    return { id, endpoint: endpointOf(id), label, width, share, numeric: kind === "number" || id === "heard" };
  });
}

/** All columns that can be chosen, in a sensible order. */
export function choosable(known: readonly Column[]): readonly string[] {
  const [name, availability, heard, uid] = BUILT_IN;
  return [name, availability, heard, ...known.map(({ id }) => id), uid];
}

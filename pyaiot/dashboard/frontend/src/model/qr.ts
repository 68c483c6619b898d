// SPDX-License-Identifier: BSD-3-Clause

/** Light modules that a QR code must have around it (ISO/IEC 18004). */
const QUIET = 4;

export interface QrPicture {
  /** Modules in a row, with the quiet zone. */
  readonly size: number;
  /** The dark modules, as the path of an SVG in modules. */
  readonly path: string;
}

/** A QR code of rows of 0 and 1, dark modules side by side drawn as one. */
export function qrPicture(rows: readonly string[]): QrPicture {
  const runs = rows.flatMap((row, y) =>
    [...row.matchAll(/1+/g)].map(({ index, 0: { length } }) => `M${index + QUIET} ${y + QUIET}h${length}v1h-${length}z`),
  );
  return { size: rows.length + 2 * QUIET, path: runs.join("") };
}

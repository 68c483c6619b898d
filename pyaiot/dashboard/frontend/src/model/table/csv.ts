// SPDX-License-Identifier: BSD-3-Clause

// What a spreadsheet takes for a formula, unless it is a plain number.
const FORMULA = /^[\s\0]*[=+\-@|%\uff0b\uff0d\uff1d\uff20\t\r\n]/;
const NUMBER = /^[+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?$/i;

/**
 * A table for spreadsheets (RFC 4180), its headings first.
 *
 * A value that a spreadsheet would run as a formula gets an apostrophe before it: nodes may say
 * anything.
 */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

function field(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

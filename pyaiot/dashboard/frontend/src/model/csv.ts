// SPDX-License-Identifier: BSD-3-Clause

/** Beginnings by which spreadsheets take a text for a formula, and run it; some look past spaces. */
const FORMULA = /^(?:[\t\r]|\s*[=+\-@|%＝＋－＠])/;

/**
 * Rows as text with commas between (RFC 4180).
 *
 * Nodes say what they like: a text that a spreadsheet would take for a formula gets an apostrophe
 * in front, as a sign that it is a text. Numbers stay numbers.
 */
export function csvText(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(content: string | number): string {
  if (typeof content === "number") return String(content);
  const text = FORMULA.test(content) ? `'${content}` : content;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

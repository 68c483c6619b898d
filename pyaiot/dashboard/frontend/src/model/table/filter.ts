// SPDX-License-Identifier: BSD-3-Clause
import { quantityOf } from "../value";

/** What a filter looks at in a cell. */
export interface Content {
  /** All that can be read there; empty where there is no value. */
  readonly text: string;
  /** What it is as a number, if it is one. */
  readonly number: number | null;
}

/** One condition on a cell. */
type Term = (content: Folded) => boolean;

/** Most filters compare numbers, and need no text for it. */
class Folded implements Content {
  private kept: string | null = null;

  constructor(
    readonly text: string,
    readonly number: number | null,
  ) {}

  get folded(): string {
    this.kept ??= fold(this.text);
    return this.kept;
  }
}

/** What is wrong with a filter, as a key of words, and which part of it. */
export interface FilterError {
  readonly error: "noOperand" | "noNumber" | "noEnd";
  readonly part: string;
}

export type Filter = ((content: Content) => boolean) | FilterError;

/** Characters of a filter that are looked at. */
const LONGEST = 200;

/** Seconds in the units in which people give ages. */
const SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, sec: 1, min: 60, m: 60, h: 3600, d: 86_400 };

// A word is what stands between spaces; a phrase in quotes may hold some. An operator may stand
// apart from what it compares with.
const TERM = /(!=|==|<=|>=|<|>|=|\^|!)?\s*(?:"([^"]*)("?)|(\S+))?\s*/y;

/**
 * The filter that somebody typed; null if it lets everything pass.
 *
 * Several terms must all hold. A plain word is looked for anywhere, whatever its case and accents;
 * `^word` at the beginning; `!word` must not be found. `<`, `>`, `<=`, `>=`, `==`, `!=` compare
 * numbers, whatever the unit; `==` and `!=` also compare whole texts. With `ages` numbers are
 * seconds and may have a unit of time: `> 5min`.
 */
export function parseFilter(text: string, { ages = false } = {}): Filter | null {
  const terms: Term[] = [];
  const typed = text.slice(0, LONGEST).trim();
  TERM.lastIndex = 0;
  while (TERM.lastIndex < typed.length) {
    const from = TERM.lastIndex;
    const match = TERM.exec(typed);
    if (match === null || match[0] === "") return { error: "noEnd", part: typed.slice(from) };
    const [whole, operator = "", phrase, end, word] = match;
    if (phrase !== undefined && end === "") return { error: "noEnd", part: whole.trim() };
    const operand = phrase ?? word;
    if (operand === undefined || (operand === "" && operator !== "==" && operator !== "=" && operator !== "!=")) {
      return { error: "noOperand", part: whole.trim() };
    }
    const term = termOf(operator, operand, phrase === undefined, ages);
    if (term === null) return { error: "noNumber", part: whole.trim() };
    terms.push(term);
  }
  if (terms.length === 0) return null;
  return ({ text: content, number }) => {
    const folded = new Folded(content, number);
    return terms.every((term) => term(folded));
  };
}

function termOf(operator: string, operand: string, numeric: boolean, ages: boolean): Term | null {
  const wanted = fold(operand);
  switch (operator) {
    case "":
      return ({ folded }) => folded.includes(wanted);
    case "!":
      return ({ folded }) => !folded.includes(wanted);
    case "^":
      return ({ folded }) => folded.split("\n").some((line) => line.startsWith(wanted));
  }
  const number = numeric ? numberOf(operand, ages) : null;
  if (operator === "=" || operator === "==" || operator === "!=") {
    const same: Term = (content) =>
      number !== null && content.number !== null ? content.number === number : content.folded.split("\n").includes(wanted);
    if (operator !== "!=") return same;
    // What has no value differs from nothing; only `!= ""` asks whether there is one.
    return (content) => (wanted === "" ? content.text !== "" : content.text !== "" && !same(content));
  }
  if (number === null) return null;
  return ({ number: has }) => has !== null && compares(operator, has, number);
}

function compares(operator: string, has: number, number: number): boolean {
  switch (operator) {
    case "<":
      return has < number;
    case "<=":
      return has <= number;
    case ">":
      return has > number;
    default:
      return has >= number;
  }
}

function numberOf(operand: string, ages: boolean): number | null {
  const quantity = quantityOf(operand.replace("\u2212", "-"));
  if (quantity === null || !Number.isFinite(quantity.number)) return null;
  if (!ages) return quantity.number;
  const seconds = SECONDS[quantity.unit.toLowerCase()];
  return seconds === undefined ? null : quantity.number * seconds;
}

/** A text as it is compared: whatever its case and its accents. */
export function fold(text: string): string {
  // Most texts are plain, and this is asked of every cell of a column.
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

// SPDX-License-Identifier: BSD-3-Clause
import type { Language } from "../../model/preferences";

const DAY = 86_400;

/** Times of day as the readers of a language write them, as exactly as steps of some seconds need. */
export function clockOf(language: Language, step: number): (time: number) => string {
  const format = new Intl.DateTimeFormat(language, {
    ...(step >= DAY ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" }),
    ...(step < 60 ? { second: "2-digit" } : {}),
    ...(step < 1 ? { fractionalSecondDigits: 1 } : {}),
    hourCycle: "h23",
  });
  return (time) => format.format(time * 1000);
}

/** The same with the day, for spans of more than one. */
export function dayClockOf(language: Language): (time: number) => string {
  const format = new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return (time) => format.format(time * 1000);
}

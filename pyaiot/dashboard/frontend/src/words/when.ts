// SPDX-License-Identifier: BSD-3-Clause
import { language } from ".";

/** A time, in seconds since the epoch, as people here write it. */
export function whenText(seconds: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);
}

// SPDX-License-Identifier: BSD-3-Clause

/** How long ago something was, as a whole number of the greatest unit that fits. */
export interface Age {
  readonly unit: "now" | "seconds" | "minutes" | "hours" | "days";
  readonly count: number;
}

/** The age of what happened so many seconds ago. What seems to lie ahead (clocks differ) is `now`. */
export function ageOf(seconds: number): Age {
  if (!(seconds >= 1.5)) return { unit: "now", count: 0 };
  if (seconds < 60) return { unit: "seconds", count: Math.floor(seconds) };
  if (seconds < 3600) return { unit: "minutes", count: Math.floor(seconds / 60) };
  if (seconds < 86_400) return { unit: "hours", count: Math.floor(seconds / 3600) };
  return { unit: "days", count: Math.floor(seconds / 86_400) };
}

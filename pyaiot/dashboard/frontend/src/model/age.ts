// SPDX-License-Identifier: BSD-3-Clause

/** How long ago something was, in few letters. What seems to lie ahead (clocks differ) is `now`. */
export function ageText(seconds: number): string {
  if (seconds < 1.5) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** The same for those who listen. */
export function ageSpoken(seconds: number): string {
  if (seconds < 1.5) return "just now";
  const [count, unit] = ageText(seconds).split(" ");
  const words: Readonly<Record<string, string>> = { s: "second", min: "minute", h: "hour", d: "day" };
  return `${count} ${words[unit ?? ""] ?? ""}${count === "1" ? "" : "s"} ago`;
}

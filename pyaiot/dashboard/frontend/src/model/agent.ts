// SPDX-License-Identifier: BSD-3-Clause

/** Words in what a browser says of itself, and what people call it; the first that fits is meant. */
const BROWSERS = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\bChromium\//, "Chromium"],
  [/\b(Chrome|CriOS|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
] as const;
const SYSTEMS = [
  [/\bAndroid\b/, "Android"],
  [/\b(iPhone|iPad|iPod)\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
] as const;

const LONGEST = 60;

/** Which browser, and on what, a request came from; programs are what they call themselves. */
export function agentName(agent: string): string {
  const found = [BROWSERS, SYSTEMS].map((names) => names.find(([words]) => words.test(agent))?.[1] ?? "");
  const name = found.filter((each) => each !== "").join(" · ");
  return found[0] === "" ? agent.slice(0, LONGEST) : name;
}

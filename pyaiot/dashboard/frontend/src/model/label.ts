// SPDX-License-Identifier: BSD-3-Clause

const LABELS: ReadonlyMap<string, string> = new Map([
  ["eco2", "eCO₂"],
  ["id", "ID"],
  ["imu", "IMU"],
  ["ip", "IP"],
  ["js", "Script"],
  ["led", "LED"],
  ["mcu", "MCU"],
  ["os", "OS"],
  ["tlp", "Large particles"],
  ["tsp", "Small particles"],
  ["tvoc", "TVOC"],
  ["uvindex", "UV index"],
]);

/** What people call a resource: `cli/stats` is `Cli stats`. */
export function labelOf(endpoint: string): string {
  const known = LABELS.get(endpoint.toLowerCase());
  if (known !== undefined) return known;
  const words = endpoint.replace(/[/_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

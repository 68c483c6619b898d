// SPDX-License-Identifier: BSD-3-Clause

/** The key of the words for a resource, should there be any. */
export function labelKey(endpoint: string): string {
  return `resource.${endpoint.toLowerCase()}`;
}

/** What people may call a resource that there are no words for: `cli/stats` is `Cli stats`. */
export function plainLabel(endpoint: string): string {
  const words = endpoint.replace(/[/_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";
import { addressIn, textOf } from "./value";

/**
 * What can be done with the address of a picture.
 *
 * `shown`: the page may load it. `linked`: the server of the page has not allowed its origin, and
 * people may follow a link. `refused`: it is no address that leads to a picture.
 */
export type Picture =
  | { readonly kind: "shown"; readonly address: string }
  | { readonly kind: "linked"; readonly address: string; readonly host: string }
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "none" };

/** The picture that a value names, for a page that may load pictures of these origins. */
export function pictureOf(value: Json | undefined, origins: readonly string[]): Picture {
  if (value === undefined || value === null || value === "") return { kind: "none" };
  const address = addressIn(value);
  if (address === null) return { kind: "refused", text: textOf(value).trim() };
  if (origins.includes(address.origin)) return { kind: "shown", address: address.href };
  return { kind: "linked", address: address.href, host: address.host };
}

/** The same address in words that no cache knows; the picture as it is now. */
export function anew(address: string, serial: number): string {
  if (serial === 0) return address;
  const url = new URL(address);
  url.searchParams.append("_", String(serial));
  return url.href;
}

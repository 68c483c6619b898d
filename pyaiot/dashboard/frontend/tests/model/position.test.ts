// SPDX-License-Identifier: BSD-3-Clause
import { expect, it } from "vitest";

import { positionOf } from "../../src/model/position";
import type { Json } from "../../src/wire/messages";

it("reads text and objects", () => {
  expect(positionOf('{"lat":48.7,"lng":-2.2}')).toEqual({ lat: 48.7, lng: -2.2 });
  expect(positionOf({ lat: -90, lng: 180, more: true })).toEqual({ lat: -90, lng: 180 });
});

it.each<Json | undefined>([
  undefined, null, "", "48.7,2.2", [48.7, 2.2], { lat: 999, lng: 0 }, { lat: 0, lng: -181 }, { lat: "48", lng: 2 },
  { lat: 1 }, '{"lat":null,"lng":null}', '{"lat":1e999,"lng":0}',
])("finds none in %j", (value) => {
  expect(positionOf(value)).toBeNull();
}); // prettier-ignore

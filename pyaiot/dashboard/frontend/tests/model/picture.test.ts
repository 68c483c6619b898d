// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { anew, pictureOf } from "../../src/model/picture";
import type { Json } from "../../src/wire/messages";

const ORIGINS = ["http://here:8080", "https://cam.example"];

describe("pictureOf", () => {
  it("is shown from allowed origins only", () => {
    expect(pictureOf("https://cam.example/a.jpg", ORIGINS)).toEqual({ kind: "shown", address: "https://cam.example/a.jpg" });
    expect(pictureOf("https://cam.example:443/a.jpg", ORIGINS).kind).toBe("shown");
    for (const other of ["http://cam.example/a", "https://cam.example:444/a", "https://cam.example.evil/a", "https://x/cam.example"]) {
      expect(pictureOf(other, ORIGINS).kind).toBe("linked");
    }
  });

  it("is a link, with the host named, from others", () => {
    expect(pictureOf("http://other:81/a.jpg", ORIGINS)).toEqual({
      kind: "linked",
      address: "http://other:81/a.jpg",
      host: "other:81",
    });
  });

  it.each<Json>(["javascript:alert(1)", "data:image/png;base64,AA", "file:///etc/passwd", "//other/a.png", "a.png", 5, ["http://a/"]])(
    "refuses %j",
    (value) => {
      expect(pictureOf(value, ORIGINS).kind).toBe("refused");
    },
  );

  it("is none where nothing was said", () => {
    expect([undefined, null, ""].map((value) => pictureOf(value, ORIGINS).kind)).toEqual(["none", "none", "none"]);
  });
});

it("asks anew past all caches", () => {
  expect(anew("http://a/b?c=d#e", 0)).toBe("http://a/b?c=d#e");
  expect(anew("http://a/b?c=d#e", 7)).toBe("http://a/b?c=d&_=7#e");
});

// SPDX-License-Identifier: BSD-3-Clause
import { beforeEach, describe, expect, it } from "vitest";

import { Helm, KEYS, type Move } from "../../src/model/robot";

let sent: Move[];
let helm: Helm;

beforeEach(() => {
  sent = [];
  helm = new Helm((move) => sent.push(move));
});

describe("a helm", () => {
  it("sends what is pressed", () => {
    helm.press("u");
    expect(sent).toEqual(["u"]);
  });

  it("has one move under way, and then sends the newest", () => {
    for (const move of ["u", "l", "r", "l", "r"] as const) helm.press(move);
    helm.came("pressed");
    helm.came("sent");
    expect(sent).toEqual(["u"]);
    helm.came("applied");
    expect(sent).toEqual(["u", "r"]);
    helm.came("applied");
    helm.came("applied");
    expect(sent).toEqual(["u", "r"]);
  });

  it("lets a stop wait for nothing, and forgets what waited", () => {
    helm.press("u");
    helm.press("l");
    helm.press("s");
    expect(sent).toEqual(["u", "s"]);
    helm.came("applied");
    expect(sent).toEqual(["u", "s"]);
  });

  it("does not flood with stops", () => {
    for (let press = 0; press < 50; press += 1) helm.press("s");
    expect(sent).toEqual(["s"]);
    helm.came("applied");
    expect(sent).toEqual(["s"]);
    helm.press("s");
    expect(sent).toEqual(["s", "s"]);
  });

  it("goes on after a stop when that was pressed", () => {
    helm.press("s");
    helm.press("u");
    expect(sent).toEqual(["s"]);
    helm.came("applied");
    expect(sent).toEqual(["s", "u"]);
  });

  it("goes nowhere new after a failure", () => {
    helm.press("u");
    helm.press("l");
    helm.came("failed");
    helm.reconnected();
    expect(sent).toEqual(["u"]);
    helm.press("r");
    expect(sent).toEqual(["u", "r"]);
  });

  it("repeats a stop that failed once there is a connection again", () => {
    helm.press("s");
    helm.press("s");
    helm.came("failed");
    expect(sent).toEqual(["s"]);
    helm.reconnected();
    expect(sent).toEqual(["s", "s"]);
    helm.came("applied");
    helm.reconnected();
    expect(sent).toEqual(["s", "s"]);
  });

  it("repeats no stop that was overtaken", () => {
    helm.press("s");
    helm.came("failed");
    helm.press("u");
    helm.came("applied");
    helm.reconnected();
    expect(sent).toEqual(["s", "u"]);
  });

  it("waits no longer for a node that sleeps, or of which nothing is known any more", () => {
    helm.press("u");
    helm.press("l");
    helm.came("queued");
    expect(sent).toEqual(["u", "l"]);
    helm.press("r");
    helm.came(undefined);
    expect(sent).toEqual(["u", "l", "r"]);
  });
});

it("knows the arrow keys", () => {
  expect(["ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown", "u"].map((key) => KEYS.get(key))).toEqual([
    "u", "l", "r", "s", undefined,
  ]); // prettier-ignore
});

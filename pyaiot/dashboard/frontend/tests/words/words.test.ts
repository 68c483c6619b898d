// SPDX-License-Identifier: BSD-3-Clause
import { parse } from "@vue/compiler-sfc";
import { describe, expect, it } from "vitest";

import { LANGUAGES } from "../../src/model/preferences";
import { dictionaryOf, type Dictionary, type Saying } from "../../src/words/dictionary";

const sources = new Map(
  Object.entries(
    import.meta.glob<string>("../../src/**/*.{ts,vue}", { eager: true, query: "?raw", import: "default" }),
  ),
);
const code = [...sources.values()].join("\n");
const files = import.meta.glob<Readonly<Record<string, Saying>>>("../../src/words/*/*.json", {
  eager: true,
  import: "default",
});

function dictionary(language: string): Dictionary {
  return dictionaryOf(Object.fromEntries(Object.entries(files).filter(([path]) => path.includes(`/${language}/`))));
}

function formsOf(saying: Saying): string[] {
  return typeof saying === "string" ? [saying] : Object.values(saying);
}

function parametersOf(saying: Saying): string[] {
  const found = formsOf(saying).flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""));
  return [...new Set(found)].sort();
}

const english = dictionary("en");
const rooms = new Set(Object.keys(english).map((key) => key.slice(0, key.indexOf("."))));

describe.each(LANGUAGES)("the words of %s", (language) => {
  const words = dictionary(language);

  it("are there for every key, and for no other", () => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
  });

  it("take the same parameters, and have a plural where there is one", () => {
    for (const [key, saying] of Object.entries(words)) {
      const original = english[key] ?? "";
      expect([key, typeof saying]).toEqual([key, typeof original]);
      expect([key, parametersOf(saying)]).toEqual([key, parametersOf(original)]);
      if (typeof saying !== "string") expect([key, Object.keys(saying)]).toEqual([key, ["one", "other"]]);
    }
  });

  it("are not empty, and stand without spaces around them", () => {
    for (const [key, saying] of Object.entries(words)) {
      for (const text of formsOf(saying)) expect([key, text]).toEqual([key, text.trim() === "" ? "something" : text.trim()]);
    }
  });
});

describe("the sources", () => {
  it("use no key that there are no words for", () => {
    // What stands behind `=` is an attribute of a template, and no text.
    const literal = [...code.matchAll(/(?<!=)["']((\w+)\.\w+)["']/g)].filter(([, , room]) => rooms.has(room ?? ""));
    const asked = [...code.matchAll(/\bt\(\s*["']([^"']+)["']/g)];
    const unknown = [...literal, ...asked].map(([, key]) => key ?? "").filter((key) => !(key in english));
    expect(unknown).toEqual([]);
  });

  it("put keys together from beginnings that there are words for", () => {
    const begun = [...code.matchAll(/\bt\(\s*`([^$`]*)\$/g)].map(([, start]) => start ?? "");
    expect(begun.length).toBeGreaterThan(0);
    expect(begun.filter((start) => !Object.keys(english).some((key) => key.startsWith(start)))).toEqual([]);
  });

  it("use every key", () => {
    const begun = [...code.matchAll(/`((\w+)\.[^$`]*)\$\{/g)].map(([, start]) => start ?? "");
    const unused = Object.keys(english).filter(
      (key) => !code.includes(`"${key}"`) && !code.includes(`'${key}'`) && !begun.some((start) => key.startsWith(start)),
    );
    expect(unused).toEqual([]);
  });
});

/** Attributes that people read or hear. */
const READ = new Set(["alt", "aria-description", "aria-label", "aria-roledescription", "placeholder", "title"]);

/** The kinds of nodes in the tree of a template that are looked at (NodeTypes of @vue/compiler-core). */
const ELEMENT = 1;
const TEXT = 2;
const ATTRIBUTE = 6;

interface Branch {
  readonly type: number;
  readonly tag?: string;
  readonly name?: string;
  readonly content?: unknown;
  readonly value?: { readonly content: string };
  readonly props?: readonly Branch[];
  readonly children?: readonly Branch[];
}

/** What a template says in one language only. */
function bareWords(branch: Branch): string[] {
  if (branch.type === TEXT) return /\p{L}{2}/u.test(String(branch.content)) ? [String(branch.content).trim()] : [];
  if (branch.type === ATTRIBUTE) {
    return READ.has(branch.name ?? "") && /\p{L}{2}/u.test(branch.value?.content ?? "") ? [branch.value?.content ?? ""] : [];
  }
  if (branch.type === ELEMENT && (branch.tag === "code" || branch.tag === "kbd")) return [];
  return [...(branch.props ?? []), ...(branch.children ?? [])].flatMap(bareWords);
}

describe("templates", () => {
  it("are looked through", () => {
    const { descriptor } = parse(`<template><p title="Bare">Text <b :title="t('x')">{{ word }}</b></p></template>`);
    expect(bareWords(descriptor.template?.ast as unknown as Branch)).toEqual(["Bare", "Text"]);
  });

  const written = [...sources.keys()].filter((path) => path.endsWith(".vue"));

  it.each(written)("%s says nothing in one language only", (path) => {
    const ast = parse(sources.get(path) ?? "").descriptor.template?.ast;
    expect(ast === undefined ? [] : bareWords(ast as unknown as Branch)).toEqual([]);
  });
});

// SPDX-License-Identifier: BSD-3-Clause
/// <reference types="vitest/config" />
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import vue from "@vitejs/plugin-vue";
import { build, defineConfig, type Plugin } from "vite";

const output = join(import.meta.dirname, "..", "static");

/** Puts a `.gz` and a `.br` beside every text file that gets smaller by it. */
function compressed(): Plugin {
  const variants = [
    { suffix: ".gz", compress: (bytes: Buffer) => gzipSync(bytes, { level: 9 }) },
    {
      suffix: ".br",
      compress: (bytes: Buffer) =>
        brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    },
  ];
  return {
    name: "pyaiot:compressed",
    apply: "build",
    closeBundle() {
      for (const file of readdirSync(output, { recursive: true, encoding: "utf8" })) {
        if (!/\.(css|html|js|json|svg)$/.test(file)) continue;
        const bytes = readFileSync(join(output, file));
        for (const { suffix, compress } of variants) {
          const small = compress(bytes);
          if (small.length < bytes.length) writeFileSync(join(output, file + suffix), small);
        }
      }
    },
  };
}

/**
 * Makes a script of `src/early.ts` that browsers wait for before they draw anything.
 *
 * Modules come too late for that, and the content security policy allows no script in the page.
 */
function early(): Plugin {
  return {
    name: "pyaiot:early",
    apply: "build",
    async buildStart() {
      const made = await build({
        configFile: false,
        logLevel: "warn",
        build: {
          write: false,
          target: "es2022",
          lib: { entry: join(import.meta.dirname, "src", "early.ts"), formats: ["iife"], name: "early" },
        },
      });
      const [chunk] = (made as { output: { code: string }[] }[])[0]?.output ?? [];
      if (chunk === undefined) throw new Error("src/early.ts came to nothing");
      this.emitFile({ type: "asset", name: "early.js", source: chunk.code });
    },
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const name = Object.keys(bundle ?? {}).find((each) => /early-[^/]*\.js$/.test(each));
        if (name === undefined) throw new Error("the early script is not there");
        return [{ tag: "script", attrs: { src: `./${name}` }, injectTo: "head" }];
      },
    },
  };
}

export default defineConfig({
  // Relative, so that the page also works below a path of a reverse proxy.
  base: "./",
  plugins: [vue(), early(), compressed()],
  define: { __VUE_OPTIONS_API__: false },
  build: {
    outDir: output,
    emptyOutDir: true,
    target: "es2022",
    // Nothing inlined: the content security policy allows no `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // A test reads the styles themselves.
  test: { css: { include: [/\.css\?raw$/] } },
  server: { proxy: { "/config.json": "http://localhost:8080" } },
});

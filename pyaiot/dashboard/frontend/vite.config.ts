// SPDX-License-Identifier: BSD-3-Clause
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

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

export default defineConfig({
  // Relative, so that the page also works below a path of a reverse proxy.
  base: "./",
  plugins: [vue(), compressed()],
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
  server: { proxy: { "/config.json": "http://localhost:8080" } },
});

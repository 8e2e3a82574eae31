import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** What `npx vite` leaves to the service of `make run`. */
const API = [
  "/agents",
  "/api-keys",
  "/console/session",
  "/deliveries",
  "/docs",
  "/events",
  "/health",
  "/inbox",
  "/livekit",
  "/phone-numbers",
  "/metrics",
  "/session",
  "/statistics",
  "/telephony",
  "/webhooks",
];
const BUILT = process.env.CONSOLE_FILES ?? "../entrypoints/console_files";

/** Compress once, at the build: the service sends these files as they are. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(css|html|js|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const text = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(text, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(text));
      }
    },
  };
}

const BUDGET = 200_000;

/** Refuse a page whose first load is larger, compressed, than what the docs promise. */
function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    closeBundle() {
      const page = readFileSync(join(BUILT, "index.html"), "utf8");
      // Scripts that others import are in the page as well, to be fetched at once.
      const files = [...page.matchAll(/(?:src|href)="\/console\/([^"]+)"/g)].map(([, name = ""]) => name);
      const bytes = ["index.html", ...files]
        .map((name) => gzipSync(readFileSync(join(BUILT, name)), { level: 9 }).length)
        .reduce((sum, size) => sum + size, 0);
      const said = `the first load is ${bytes.toLocaleString("en")} bytes of gzip, of at most ${BUDGET.toLocaleString("en")}`;
      if (bytes > BUDGET) throw new Error(`Too large: ${said}.`);
      console.log(`Console: ${said}.`);
    },
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [compressed(), budget()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: BUILT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the Content-Security-Policy allows no data: addresses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700, // livekit-client, which is loaded for the first conversation
  },
  server: { proxy: Object.fromEntries(API.map((path) => [path, "http://127.0.0.1:4000"])) },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    testTimeout: 60_000, // no test judges speed
  },
});

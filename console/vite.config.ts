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
  "/events",
  "/health",
  "/inbox",
  "/livekit",
  "/phone-numbers",
  "/session",
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

export default defineConfig({
  base: "/console/",
  plugins: [compressed()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: BUILT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the Content-Security-Policy allows no data: addresses
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700, // livekit-client, which is loaded when somebody talks
  },
  server: { proxy: Object.fromEntries(API.map((path) => [path, "http://127.0.0.1:4000"])) },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    testTimeout: 60_000, // no test judges speed
  },
});

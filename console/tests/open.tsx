/** The console opened at a view, in a browser that draws and plays nothing. */

import { cleanup, render } from "@testing-library/preact";
import { vi } from "vitest";
import { App } from "../src/app";
import { stream } from "../src/live/live";
import { hashOf, place, placeOf } from "../src/router";
import { resume, signIn } from "../src/state/session";

export const XSS = `"><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>`;

export function go(...path: string[]): void {
  history.replaceState(null, "", hashOf(path));
  place.value = placeOf(location.hash);
}

export async function open(...path: string[]): Promise<void> {
  go(...path);
  render(<App />);
  await resume();
}

export function close(): void {
  cleanup();
  stream.stop();
  signIn.value = { is: "asking" };
}

/** What jsdom lacks; whatever is observed is in sight. */
export function stubBrowser(): void {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe = vi.fn();
      disconnect = vi.fn();
    },
  );
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      disconnect = vi.fn();
      constructor(private readonly seen: (entries: unknown[]) => void) {}
      observe() {
        this.seen([{ isIntersecting: true }]);
      }
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
}

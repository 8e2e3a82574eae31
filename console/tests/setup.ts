/** What jsdom lacks. */

import { vi } from "vitest";

// A chart needs a canvas; what it shows is tested by its words.
vi.mock("uplot", () => ({
  default: class {
    setData = vi.fn();
    setSize = vi.fn();
    destroy = vi.fn();
  },
}));
vi.stubGlobal(
  "ResizeObserver",
  class {
    observe = vi.fn();
    disconnect = vi.fn();
  },
);
// Whatever is observed is in sight.
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
HTMLCanvasElement.prototype.getContext = () => null;
vi.stubGlobal("matchMedia", () => ({ addEventListener: vi.fn(), removeEventListener: vi.fn() }));

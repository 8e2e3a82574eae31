import { cleanup, render } from "@testing-library/preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DomainEvent } from "../src/api/types";
import type { Follower } from "../src/live/live";
import { type Pace, useNews } from "../src/ui/use_news";
import { event, session } from "./records";

const followers = new Set<Omit<Follower, "gap"> & { gap(): void }>();

vi.mock("../src/live/live", () => ({
  follow: (follower: never) => {
    followers.add(follower);
    return () => followers.delete(follower);
  },
}));

const read = vi.fn();

function Reader({ pace }: { pace: Pace }) {
  useNews(read, pace, ({ type }) => type !== "agent.updated");
  return null;
}

function happens(type: string): void {
  for (const each of followers) each.any?.(event(type, session()) as DomainEvent);
}

beforeEach(() => {
  vi.useFakeTimers();
  read.mockClear();
  render(<Reader pace={{ after: 100, every: 5_000 }} />);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it("reads once soon after events that come together, and not for others", () => {
  happens("agent.updated");
  vi.advanceTimersByTime(1_000);
  expect(read).not.toHaveBeenCalled();
  happens("session.created");
  happens("session.ended");
  vi.advanceTimersByTime(100);
  expect(read).toHaveBeenCalledTimes(1);
});

it("reads what comes later once in so many milliseconds, and never leaves it out", () => {
  happens("session.created");
  vi.advanceTimersByTime(100);
  happens("session.ended");
  vi.advanceTimersByTime(4_900);
  expect(read).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(100);
  expect(read).toHaveBeenCalledTimes(2);
});

it("reads at once when events may have been missed", () => {
  for (const each of followers) each.gap();
  expect(read).toHaveBeenCalledTimes(1);
});

it("reads nothing once it is gone", () => {
  happens("session.created");
  cleanup();
  vi.advanceTimersByTime(10_000);
  expect(read).not.toHaveBeenCalled();
});

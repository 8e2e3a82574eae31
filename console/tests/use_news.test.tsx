import { cleanup, render } from "@testing-library/preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DomainEvent } from "../src/api/types";
import type { Area } from "../src/live/event_stream";
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
  useNews(read, pace, ({ type }) => type !== "agent.updated", ["inbox"]);
  return null;
}

function happens(type: string): void {
  for (const each of followers) each.any?.(event(type, session()) as DomainEvent);
}

function changes(...areas: Area[]): void {
  for (const each of followers) each.changed?.(areas);
}

let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });

function turn(away: boolean): void {
  hidden = away;
  document.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  vi.useFakeTimers();
  read.mockClear();
  render(<Reader pace={{ after: 100, every: 5_000 }} />);
});

afterEach(() => {
  cleanup();
  hidden = false;
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

it("reads soon after a hint about what it shows, and not about other things", () => {
  changes("deliveries", "participants");
  vi.advanceTimersByTime(10_000);
  expect(read).not.toHaveBeenCalled();
  changes("deliveries", "inbox");
  vi.advanceTimersByTime(100);
  expect(read).toHaveBeenCalledTimes(1);
});

it("reads less often after hints than after events, where the pace says so", () => {
  cleanup();
  render(<Reader pace={{ after: 100, every: 1_000, hinted: 5_000 }} />);
  const later = (milliseconds: number) => {
    vi.advanceTimersByTime(milliseconds);
    return read.mock.calls.length;
  };
  changes("inbox");
  expect(later(1_000)).toBe(1);
  changes("inbox");
  expect(later(1_000)).toBe(1);
  happens("session.ended"); // which that hint has waited for, too
  expect(later(100)).toBe(2);
  expect(later(1_000)).toBe(2);
  changes("inbox");
  expect(later(3_800)).toBe(2);
  expect(later(200)).toBe(3);
});

it("waits while the page is hidden, and reads once when it is shown", () => {
  turn(true);
  for (let second = 0; second < 20; second += 1) {
    changes("inbox");
    happens("session.created");
    vi.advanceTimersByTime(1_000);
  }
  expect(read).not.toHaveBeenCalled();
  turn(false);
  expect(read).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(read).toHaveBeenCalledTimes(1);
});

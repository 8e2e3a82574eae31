/** Figures of the last hour, minute by minute, from the records themselves. */

import type { Call, Session } from "../api/types";

export const MINUTES = 60;

export interface Figures {
  minutes: number[];
  sessions: number[];
  calls: number[];
  /** The median seconds from an agent's dispatch to its join. */
  joinSeconds: (number | null)[];
  failures: number[];
  /** Facts that the reconciler found, which no webhook had reported. */
  repairs: number[];
}

const FAILURES = new Set(["dispatch_failed", "agent_never_joined"]);

export function figures(sessions: Iterable<Session>, calls: Iterable<Call>, now: number): Figures {
  const last = Math.floor(now / 60_000);
  const minutes = Array.from({ length: MINUTES }, (_, index) => (last - MINUTES + 1 + index) * 60);
  const zeros = () => new Array<number>(MINUTES).fill(0);
  const found = { sessions: zeros(), calls: zeros(), failures: zeros(), repairs: zeros() };
  const joins: number[][] = Array.from({ length: MINUTES }, () => []);
  const place = (time: string) => Math.floor(Date.parse(time) / 60_000) - last + MINUTES - 1;
  const count = (into: number[], time: string) => {
    const index = place(time);
    const value = into[index];
    if (value !== undefined) into[index] = value + 1;
  };
  for (const session of sessions) {
    count(found.sessions, session.createdAt);
    if (session.agentJoinedAt !== null && session.agentJoinSeconds !== null) {
      joins[place(session.agentJoinedAt)]?.push(session.agentJoinSeconds);
    }
    for (const entry of session.timeline) {
      if (FAILURES.has(entry.what)) count(found.failures, entry.at);
      if (entry.source === "reconciler") count(found.repairs, entry.at);
    }
  }
  for (const call of calls) {
    count(found.calls, call.createdAt);
    if (call.status === "failed") count(found.failures, call.endedAt ?? call.createdAt);
    for (const entry of call.timeline) {
      if (entry.source === "reconciler") count(found.repairs, entry.at);
    }
  }
  return { minutes, ...found, joinSeconds: joins.map(median) };
}

export function median(values: number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

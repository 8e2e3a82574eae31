/** A transcript's items on the recording's axis of time. */

import type { TranscriptItem } from "../api/conversation";

export interface Turn {
  item: TranscriptItem;
  /** Seconds since the recording's beginning; null where no time is known. */
  from: number | null;
  /** When its speaker stopped, or the next one began. */
  to: number | null;
  /** Seconds from the user's last word to the agent's first. */
  latency: number | null;
}

const MESSAGE = "message";

/**
 * Return each item with its place in a recording that began at `origin`.
 *
 * As in the service's captions, a message begins when its speaker began, where the worker measured
 * that, else at its own time, and never before the message that it follows.
 */
export function turnsOf(items: readonly TranscriptItem[], origin: string): Turn[] {
  const began = Date.parse(origin) / 1000;
  let last = 0;
  const turns = items.map((item): Turn => {
    const said = item.createdAt === null ? null : Date.parse(item.createdAt) / 1000;
    const at = seconds(item.metrics["started_speaking_at"]) ?? said;
    const from = at === null || Number.isNaN(at - began) ? null : Math.max(at - began, last);
    if (from !== null) last = from;
    const stopped = seconds(item.metrics["stopped_speaking_at"]);
    const to = stopped === null || from === null || stopped - began <= from ? null : stopped - began;
    return { item, from, to, latency: seconds(item.metrics["e2e_latency"]) };
  });
  let next: number | null = null;
  for (const turn of turns.toReversed()) {
    if (turn.item.type !== MESSAGE || turn.from === null) continue;
    turn.to ??= next;
    next = turn.from;
  }
  return turns;
}

/** The index of the message that is said at `time`, or was said last; −1 before the first one. */
export function turnAt(turns: readonly Turn[], time: number): number {
  return turns.findLastIndex(
    ({ item, from }) => item.type === MESSAGE && from !== null && from <= time,
  );
}

function seconds(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}

/** What the live stream brings, for every view. */

import { signal } from "@preact/signals";
import type { Call, DomainEvent, Session } from "../api/types";
import { type Area, EventStream, type StreamState } from "./event_stream";

export const streamState = signal<StreamState>({ is: "connecting" });

export interface Follower {
  session?(session: Session, event: DomainEvent): void;
  call?(call: Call, event: DomainEvent): void;
  any?(event: DomainEvent): void;
  /** Something has changed that has no event. */
  changed?(areas: readonly Area[]): void;
  /** Something may have been missed: read anew. */
  gap(): void;
}

const followers = new Set<Follower>();

export function follow(follower: Follower): () => void {
  followers.add(follower);
  return () => followers.delete(follower);
}

export function announceGap(): void {
  for (const follower of [...followers]) follower.gap();
}

export function announceChanges(areas: readonly Area[]): void {
  for (const follower of [...followers]) follower.changed?.(areas);
}

export function announce(event: DomainEvent): void {
  for (const follower of [...followers]) follower.any?.(event);
  if (event.type.startsWith("session.") && isRecord(event.data, "sessionId")) {
    for (const follower of [...followers]) {
      follower.session?.(event.data as unknown as Session, event);
    }
  } else if (event.type.startsWith("call.") && isRecord(event.data, "callId")) {
    for (const follower of [...followers]) follower.call?.(event.data as unknown as Call, event);
  }
}

function isRecord(data: unknown, id: string): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && typeof Reflect.get(data, id) === "string";
}

export const stream = new EventStream({
  state: (state) => (streamState.value = state),
  event: announce,
  changed: announceChanges,
  gap: announceGap,
});

/**
 * Whether `told` by an event is at least as new as what is `known`.
 *
 * An event may arrive after an answer that was read later; a record's timeline only grows.
 */
export function isNews(
  known: { timeline: unknown[]; endedAt: string | null } | undefined,
  told: { timeline: unknown[]; endedAt: string | null },
): boolean {
  return known === undefined || told.timeline.length >= known.timeline.length;
}

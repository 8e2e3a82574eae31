/** What goes on now, and what did in the last hour. */

import { signal } from "@preact/signals";
import { request, withQuery } from "../api/client";
import type { Call, Session } from "../api/types";
import { isNews } from "../live/live";
import { may } from "./session";

const LIVE_SESSIONS = ["active", "agent_dispatched", "dispatch_failed"];
const LIVE_CALLS = ["ringing", "active", "created"];
const HOUR = 60 * 60_000;
const PAGE = 200;
/** Pages of each list that are read at most: 2,000 records. */
const MOST_PAGES = 10;

export class Overview {
  readonly sessions = signal<ReadonlyMap<string, Session>>(new Map());
  readonly calls = signal<ReadonlyMap<string, Call>>(new Map());
  readonly error = signal<Error | null>(null);
  readonly ready = signal(false);
  /** Whether there was more than is read. */
  readonly partial = signal(false);
  private generation = 0;

  async load(): Promise<void> {
    this.generation += 1;
    const generation = this.generation;
    const since = new Date(Date.now() - HOUR).toISOString();
    this.partial.value = false;
    try {
      const sessionQueries = [{ since }, ...LIVE_SESSIONS.map((status) => ({ status }))];
      const callQueries = [{ since }, ...LIVE_CALLS.map((status) => ({ status }))];
      const [sessions, calls] = await Promise.all([
        this.all<Session>("/sessions", "sessions", sessionQueries),
        may("calls:read") ? this.all<Call>("/telephony/calls", "calls", callQueries) : [],
      ]);
      if (generation !== this.generation) return;
      this.sessions.value = joined(this.sessions.value, sessions, (each) => each.sessionId);
      this.calls.value = joined(this.calls.value, calls, (each) => each.callId);
      this.forget();
      this.error.value = null;
      this.ready.value = true;
    } catch (error) {
      if (generation === this.generation) this.error.value = error as Error;
    }
  }

  session(session: Session): void {
    this.sessions.value = joined(this.sessions.value, [session], (each) => each.sessionId);
  }

  call(call: Call): void {
    this.calls.value = joined(this.calls.value, [call], (each) => each.callId);
  }

  /** Drop what ended more than an hour ago. */
  forget(now = Date.now()): void {
    const keep = (record: { endedAt: string | null }) =>
      record.endedAt === null || now - Date.parse(record.endedAt) < HOUR;
    this.sessions.value = new Map([...this.sessions.value].filter(([, each]) => keep(each)));
    this.calls.value = new Map([...this.calls.value].filter(([, each]) => keep(each)));
  }

  private async all<T>(
    path: string,
    field: string,
    queries: Record<string, string>[],
  ): Promise<T[]> {
    const found = await Promise.all(queries.map((query) => this.pages<T>(path, field, query)));
    return found.flat();
  }

  private async pages<T>(
    path: string,
    field: string,
    query: Record<string, string>,
  ): Promise<T[]> {
    const found: T[] = [];
    let cursor: string | null = "";
    for (let pages = 0; cursor !== null; pages += 1) {
      if (pages === MOST_PAGES) {
        this.partial.value = true;
        break;
      }
      const parameters: Record<string, string> = { ...query, limit: PAGE.toString(), cursor };
      const page: Record<string, unknown> = await request("GET", withQuery(path, parameters));
      found.push(...(page[field] as T[]));
      cursor = page["nextCursor"] as string | null;
    }
    return found;
  }
}

function joined<T extends Session | Call>(
  known: ReadonlyMap<string, T>,
  told: T[],
  id: (record: T) => string,
): Map<string, T> {
  const all = new Map(known);
  for (const record of told) {
    if (isNews(all.get(id(record)), record)) all.set(id(record), record);
  }
  return all;
}

export function isJoining(session: Session): boolean {
  // No event says that the dispatch of a new session was done.
  const { status, dispatch } = session;
  return status === "agent_dispatched" || (status === "created" && dispatch === "now");
}

export function isFailing(session: Session): boolean {
  return session.status === "dispatch_failed";
}

/**
 * The live stream (`GET /events`), kept open.
 *
 * By `fetch`, not `EventSource`: that hides the status of an answer, so a session that has ended
 * would look like a network that is gone, and it must know every type of event beforehand.
 */

import { ApiError, apiError, parsed, reportUnauthenticated } from "../api/client";
import type { DomainEvent } from "../api/types";
import { EventParser } from "./parse_events";

export type StreamState =
  | { is: "connecting" }
  | { is: "live" }
  | { is: "offline"; retryAt: number }
  | { is: "unavailable"; reason: string };

/** What changes without an event, as the service calls it. */
export const AREAS = ["api_keys", "deliveries", "inbox", "participants"] as const;
export type Area = (typeof AREAS)[number];

export interface StreamHandlers {
  state(state: StreamState): void;
  event(event: DomainEvent): void;
  /** Something in these areas has changed that has no event. */
  changed(areas: readonly Area[]): void;
  /** Events may be missing: what is shown must be read anew. */
  gap(): void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** Heartbeats come more often; a connection without any is dead although neither side closed it. */
export const SILENCE = 45_000;

export class EventStream {
  private lastId: string | null = null;
  private failures = 0;
  private controller: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = true;

  constructor(
    private readonly handlers: StreamHandlers,
    private readonly url = "/events?changes=true",
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    addEventListener("online", this.retryNow);
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    removeEventListener("online", this.retryNow);
    clearTimeout(this.timer);
    this.controller?.abort();
  }

  /** Do not wait any longer for the next attempt. */
  readonly retryNow = (): void => {
    if (this.stopped || this.timer === undefined) return;
    clearTimeout(this.timer);
    void this.connect();
  };

  private async connect(): Promise<void> {
    this.timer = undefined;
    this.handlers.state({ is: "connecting" });
    const controller = new AbortController();
    this.controller = controller;
    try {
      await this.read(controller);
    } catch (error) {
      if (this.controller === controller && error instanceof ApiError && this.isFinal(error)) return;
    }
    // It may have been stopped, and started again.
    if (this.stopped || this.controller !== controller) return;
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.failures);
    this.failures += 1;
    const jittered = wait * (0.75 + Math.random() / 2);
    this.handlers.state({ is: "offline", retryAt: Date.now() + jittered });
    this.timer = setTimeout(() => void this.connect(), jittered);
  }

  private isFinal(error: ApiError): boolean {
    if (error.status === 401) {
      this.stop();
      reportUnauthenticated();
      return true;
    }
    if (error.status === 403 || error.status === 404) {
      this.stop();
      this.handlers.state({ is: "unavailable", reason: error.message });
      return true;
    }
    return false; // 429 and 5xx pass
  }

  private async read(controller: AbortController): Promise<void> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.lastId !== null) headers["Last-Event-ID"] = this.lastId;
    const answer = await fetch(this.url, {
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: controller.signal,
    });
    if (!answer.ok || answer.body === null) throw apiError(answer, parsed(await answer.text()));
    this.failures = 0;
    // Without an id to resume from it starts at the present; what is shown may be from before.
    if (this.lastId === null) this.handlers.gap();
    else this.handlers.changed(AREAS); // hints are not kept for those who are away
    this.handlers.state({ is: "live" });
    await this.messages(answer.body, controller);
  }

  private async messages(
    body: ReadableStream<Uint8Array>,
    controller: AbortController,
  ): Promise<void> {
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = body.getReader();
    let silence: ReturnType<typeof setTimeout> | undefined;
    try {
      for (;;) {
        silence = setTimeout(() => {
          controller.abort();
        }, SILENCE);
        const { value, done } = await reader.read();
        clearTimeout(silence);
        if (done) return;
        for (const message of parser.push(decoder.decode(value, { stream: true }))) {
          this.take(message.event, message.id, message.data);
        }
      }
    } finally {
      clearTimeout(silence);
    }
  }

  private take(type: string, id: string | null, data: string): void {
    if (id !== null && id !== "") this.lastId = id;
    if (type === "reset") {
      this.handlers.gap();
      return;
    }
    const event = parsed(data);
    if (type === "changed") {
      const areas: unknown = event?.["areas"];
      if (Array.isArray(areas)) this.handlers.changed(areas as Area[]);
      return;
    }
    if (event !== null && typeof event["type"] === "string") {
      this.handlers.event(event as unknown as DomainEvent);
    }
  }
}

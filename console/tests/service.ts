/** A service for tests: answers by path, and a live stream that a test writes. */

import { vi } from "vitest";

export interface Asked {
  method: string;
  url: URL;
  headers: Headers;
  body: unknown;
}

type Answer = (asked: Asked) => Response | Promise<Response>;

export function json(body: unknown, status = 200): Response {
  return new Response(status === 204 ? null : JSON.stringify(body), { status });
}

export function refusal(status: number, error: string, code = "error"): Response {
  return json({ error, code, requestId: "r-1" }, status);
}

export class FakeService {
  readonly asked: Asked[] = [];
  readonly streams: FakeStream[] = [];
  down = false;
  private readonly answers = new Map<string, Answer>();

  constructor() {
    vi.stubGlobal("fetch", (input: string, init: RequestInit = {}) => this.fetch(input, init));
    this.on("GET /events", () => {
      const stream = new FakeStream();
      this.streams.push(stream);
      return stream.response;
    });
  }

  on(route: string, answer: Answer): this {
    this.answers.set(route, answer);
    return this;
  }

  /** The live stream that was opened last. */
  get stream(): FakeStream {
    const last = this.streams.at(-1);
    if (last === undefined) throw new Error("no stream is open");
    return last;
  }

  requests(route: string): Asked[] {
    return this.asked.filter((each) => `${each.method} ${each.url.pathname}` === route);
  }

  private async fetch(input: string, init: RequestInit): Promise<Response> {
    const asked = {
      method: init.method ?? "GET",
      url: new URL(input, "http://here"),
      headers: new Headers(init.headers),
      body: typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : undefined,
    };
    this.asked.push(asked);
    await Promise.resolve();
    if (this.down) throw new TypeError("Failed to fetch");
    const answer = this.answers.get(`${asked.method} ${asked.url.pathname}`);
    if (answer === undefined) return refusal(404, `nothing at ${asked.url.pathname}`);
    const response = await answer(asked);
    init.signal?.addEventListener("abort", () => {
      if (asked.url.pathname === "/events") this.streams.at(-1)?.break();
    });
    return response;
  }
}

export class FakeStream {
  readonly response: Response;
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor() {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
      },
    });
    this.response = new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }

  write(text: string): void {
    this.controller?.enqueue(new TextEncoder().encode(text));
  }

  send(event: { id: string; type: string }): void {
    this.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  hint(...areas: string[]): void {
    this.write(`event: changed\ndata: ${JSON.stringify({ areas })}\n\n`);
  }

  end(): void {
    this.controller?.close();
    this.controller = null;
  }

  break(): void {
    this.controller?.error(new DOMException("aborted", "AbortError"));
    this.controller = null;
  }
}

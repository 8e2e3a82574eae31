import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { whenUnauthenticated } from "../src/api/client";
import { AREAS, EventStream, SILENCE, type StreamState } from "../src/live/event_stream";
import { event, session } from "./records";
import { FakeService, refusal } from "./service";

let service: FakeService;
let states: StreamState[];
let events: string[];
let gaps: number;
let hints: (readonly string[])[];
let stream: EventStream;

beforeEach(() => {
  vi.useFakeTimers();
  service = new FakeService();
  states = [];
  events = [];
  gaps = 0;
  hints = [];
  stream = new EventStream({
    state: (state) => states.push(state),
    event: ({ id }) => events.push(id),
    gap: () => (gaps += 1),
    changed: (areas) => hints.push(areas),
  });
});

afterEach(() => {
  stream.stop();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const last = () => states.at(-1)?.is;

async function opened(): Promise<void> {
  stream.start();
  await settle();
  expect(last()).toBe("live");
}

describe("the live stream", () => {
  it("hands over events, and says that what was read before may be old", async () => {
    await opened();
    expect(gaps).toBe(1);

    const told = event("session.created", session());
    service.stream.send(told);
    await settle();

    expect(events).toEqual([told.id]);
  });

  it("resumes after the last event that it has seen, without a gap", async () => {
    await opened();
    service.stream.send(event("session.created", session(), { id: "e-7" }));
    await settle();
    service.stream.end();
    await settle();
    expect(last()).toBe("offline");

    await vi.advanceTimersByTimeAsync(1_000);

    expect(last()).toBe("live");
    expect(service.requests("GET /events")[1]?.headers.get("last-event-id")).toBe("e-7");
    expect(gaps).toBe(1);
  });

  it("asks for hints, and resumes after the last event whatever was hinted since", async () => {
    await opened();
    expect(service.requests("GET /events")[0]?.url.searchParams.get("changes")).toBe("true");
    service.stream.send(event("session.created", session(), { id: "e-8" }));
    service.stream.write('event: changed\ndata: {"areas": ["deliveries"]}\n\n');
    service.stream.write("event: changed\ndata: {}\n\n");
    await settle();
    expect([hints, events]).toEqual([[["deliveries"]], ["e-8"]]);
    service.stream.end();
    await vi.advanceTimersByTimeAsync(1_000);

    expect(service.requests("GET /events")[1]?.headers.get("last-event-id")).toBe("e-8");
    expect(hints.at(-1)).toEqual([...AREAS]); // what was hinted meanwhile is lost
  });

  it("reports a gap if the service no longer knows that event", async () => {
    await opened();
    service.stream.write('id: e-9\nevent: reset\ndata: {"reason": "unknown id"}\n\n');
    await settle();
    expect(gaps).toBe(2);
    expect(events).toEqual([]);
  });

  it("tries again ever less often while nobody answers, and at once when asked to", async () => {
    service.down = true;
    stream.start();
    await vi.advanceTimersByTimeAsync(120_000);
    const attempts = service.requests("GET /events").length;
    expect(attempts).toBeGreaterThan(6);
    expect(attempts).toBeLessThan(20);

    service.down = false;
    stream.retryNow();
    await settle();
    expect(last()).toBe("live");
  });

  it("tries again when the network is back", async () => {
    service.down = true;
    stream.start();
    await settle();
    service.down = false;
    dispatchEvent(new Event("online"));
    await settle();
    expect(last()).toBe("live");
  });

  it("gives up a connection that has gone silent", async () => {
    await opened();
    await vi.advanceTimersByTimeAsync(SILENCE - 1_000);
    service.stream.write(": heartbeat\n\n");
    await vi.advanceTimersByTimeAsync(SILENCE - 1_000);
    expect(service.requests("GET /events")).toHaveLength(1);

    await vi.advanceTimersByTimeAsync(3_000);
    expect(service.requests("GET /events")).toHaveLength(2);
  });

  it.each([403, 404])("ends where the answer is %i, with the reason", async (status) => {
    service.on("GET /events", () => refusal(status, "This API key lacks the scope calls:read."));
    stream.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states.at(-1)).toEqual({
      is: "unavailable",
      reason: "This API key lacks the scope calls:read.",
    });
    expect(service.requests("GET /events")).toHaveLength(1);
  });

  it("signs out where the session has ended", async () => {
    const out = vi.fn();
    const unlisten = whenUnauthenticated(out);
    service.on("GET /events", () => refusal(401, "expired"));
    stream.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(out).toHaveBeenCalledOnce();
    unlisten();
  });

  it.each([429, 500, 503])("tries again after %i", async (status) => {
    service.on("GET /events", () => refusal(status, "later"));
    stream.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(service.requests("GET /events").length).toBeGreaterThan(1);
  });

  it("takes what is not JSON for nothing", async () => {
    await opened();
    service.stream.write("data: {\n\ndata: null\n\ndata: 5\n\n");
    await settle();
    expect(events).toEqual([]);
    expect(last()).toBe("live");
  });
});

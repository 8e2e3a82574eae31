import { fireEvent, screen, waitFor, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Session } from "../src/api/types";
import { close, open, XSS } from "./page";
import { delivery, event, inboxEntry, session, SIGNED_IN, webhook } from "./records";
import { FakeService, json, refusal } from "./service";

let service: FakeService;
let known: Session;

beforeEach(() => {
  known = session({ roomSid: "RM_1" });
  const path = `GET /sessions/${known.sessionId}`;
  service = new FakeService()
    .on("GET /console/session", () => json(SIGNED_IN))
    .on(path, () => json(known))
    .on(`${path}/transcript`, () => json({ items: [], final: true }))
    .on(`${path}/recordings`, () => json({ recordings: [] }))
    .on(`${path}/usage`, () => json({ models: [], cost: null }))
    .on("GET /webhooks", () => json({ webhooks: [], nextCursor: null }));
  sent();
  delivered();
  received();
});

afterEach(close);

const list = (name: string) => (...items: unknown[]) => ({ [name]: items, nextCursor: null });
const sent = (...items: unknown[]) =>
  service.on(`GET /sessions/${known.sessionId}/events`, () => json(list("events")(...items)));
const delivered = (...items: unknown[]) =>
  service.on("GET /deliveries", () => json(list("deliveries")(...items)));
const received = (...items: unknown[]) =>
  service.on("GET /inbox", () => json(list("events")(...items)));

const show = () => open("sessions", known.sessionId);
const found = async (name: string) => within(await screen.findByRole("list", { name }));

describe("a session's page", () => {
  it("shows the events that were sent, each with its deliveries", async () => {
    const ended = event("session.ended", known, { sessionId: known.sessionId });
    sent(ended, event("session.created", known));
    delivered(delivery({ eventId: ended.id, event: ended.type }));
    await show();
    const events = await found("Events");
    await waitFor(() => {
      expect(events.getByText(/the last answered 503/)).toBeTruthy();
    });
    expect(events.getByText("No webhook wanted it when it happened.")).toBeTruthy();
    const [asked] = service.requests("GET /deliveries");
    expect(asked?.url.searchParams.get("sessionId")).toBe(known.sessionId);
    expect(events.getAllByText("Raw event")).toHaveLength(2);
  });

  it("shows further events as they come", async () => {
    await show();
    await screen.findByText(/No event is stored any more/);
    await screen.findByText("Live");
    const joined = event("session.agent_joined", known, { sessionId: known.sessionId });
    sent(joined);
    service.stream.send(joined);
    const more = await screen.findByText(/session\.agent_joined/, { selector: "summary" });
    expect(more.textContent).toContain("LiveKit's webhook");
  });

  it("shows the webhooks received, how they were processed, and what LiveKit sent", async () => {
    const entry = inboxEntry({
      status: "handled", failures: 1, handledAt: "2026-11-27T12:00:02.500Z", lastError: "busy",
    });
    received(entry);
    service.on(`GET /inbox/${entry.eventId}`, () => json({ ...entry, body: `{"event":"x","id":7}` }));
    await show();
    const webhooks = await found("LiveKit's webhooks");
    expect(webhooks.getByText(/processed after 2\.5 s · 1 failed attempt/)).toBeTruthy();
    const [asked] = service.requests("GET /inbox");
    expect(Object.fromEntries(asked?.url.searchParams ?? [])).toMatchObject({
      roomName: "support-7", roomSid: "RM_1",
    });

    const details = webhooks.getByText(/processed after/).closest("details");
    if (details === null) throw new Error("no details");
    details.open = true;
    fireEvent(details, new Event("toggle"));
    expect((await webhooks.findByLabelText("What LiveKit sent")).textContent).toBe(
      `{\n  "event": "x",\n  "id": 7\n}`,
    );
  });

  it("leaves out what the key may not see", async () => {
    service.on("GET /console/session", () => json({ ...SIGNED_IN, scopes: ["calls:read"] }));
    sent(event("session.created", known));
    await show();
    await found("Events");
    expect(service.requests("GET /deliveries")).toHaveLength(0);
    expect(service.requests("GET /inbox")).toHaveLength(0);
    expect(screen.queryByRole("heading", { name: /webhooks received/ })).toBeNull();
  });
});

describe("dead letters", () => {
  it("show why each was set aside, and are replayed", async () => {
    const dead = inboxEntry();
    received(dead);
    service.on(`POST /inbox/${dead.eventId}/replay`, () => {
      received();
      return json({ ...dead, status: "pending" }, 202);
    });
    await open("dead-letters");
    expect(await screen.findByText(/LiveKit answered with the status 500/)).toBeTruthy();
    expect(service.requests("GET /inbox")[0]?.url.searchParams.get("status")).toBe("dead");
    fireEvent.click(screen.getByRole("button", { name: /^Replay participant_joined/ }));
    expect(await screen.findByText(/None: each webhook/)).toBeTruthy();
  });

  it("go once another has replayed them", async () => {
    received(inboxEntry());
    await open("dead-letters");
    await screen.findByRole("button", { name: /^Replay/ });
    await screen.findByText("Live");
    received();
    service.stream.hint("deliveries", "inbox");
    expect(await screen.findByText(/None: each webhook/)).toBeTruthy();
  });

  it("that cannot be replayed say why", async () => {
    const dead = inboxEntry();
    received(dead);
    service.on(`POST /inbox/${dead.eventId}/replay`, () => refusal(503, "The ledger is away."));
    await open("dead-letters");
    fireEvent.click(await screen.findByRole("button", { name: /^Replay/ }));
    expect((await screen.findByRole("alert")).textContent).toContain("The ledger is away.");
  });

  it("of webhooks are listed by webhook, and sent again", async () => {
    const failed = delivery({ webhookId: "w-9" });
    const failedOnes = list("deliveries");
    service
      .on("GET /webhooks", () => json(list("webhooks")(webhook({ webhookId: "w-9" }))))
      .on("GET /webhooks/w-9/deliveries", () => json(failedOnes(failed)))
      .on(`POST /deliveries/${failed.deliveryId}/redeliver`, () => {
        service.on("GET /webhooks/w-9/deliveries", () => json(failedOnes()));
        return json(failed, 202);
      });
    await open("dead-letters");
    fireEvent.click(await screen.findByRole("button", { name: /^Redeliver call\.ended/ }));
    await waitFor(() => {
      expect(screen.queryByRole("button", { name: /^Redeliver/ })).toBeNull();
    });
    const [asked] = service.requests("GET /webhooks/w-9/deliveries");
    expect(asked?.url.searchParams.get("status")).toBe("failed");
  });

  it("of LiveKit's are shown to administrators alone", async () => {
    service.on("GET /console/session", () => json({ ...SIGNED_IN, scopes: ["webhooks:read"] }));
    await open("dead-letters");
    expect(await screen.findByText(/None: there are no webhooks/)).toBeTruthy();
    expect(service.requests("GET /inbox")).toHaveLength(0);
  });

  it("show what strangers sent as text", async () => {
    const evil = inboxEntry({ kind: XSS, roomName: XSS, lastError: XSS });
    received(evil);
    service.on(`GET /inbox/${evil.eventId}`, () => json({ ...evil, body: XSS }));
    await open("dead-letters");
    const summary = await screen.findByText((text) => text.startsWith(XSS.slice(0, 10)), {
      selector: "summary",
    });
    const details = summary.closest("details");
    if (details === null) throw new Error("no details");
    details.open = true;
    fireEvent(details, new Event("toggle"));
    const body = await screen.findByLabelText("What LiveKit sent");
    expect(JSON.parse(body.textContent)).toBe(XSS);
    expect(screen.getByRole("main").querySelector("img, script")).toBeNull();
    expect(globalThis).not.toHaveProperty("hacked");
  });
});

import { fireEvent, screen, waitFor, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { close, go, heading, newService, open, XSS } from "./page";
import { call, entry, event, session, SIGNED_IN } from "./records";
import { type FakeService, json, refusal } from "./service";

let service: FakeService;

beforeEach(() => {
  service = newService();
  go();
});

afterEach(close);

describe("signing in", () => {
  it("sends the key once, in a header, and shows what the service refuses", async () => {
    service
      .on("GET /console/session", () => json({ state: "signed_out", reason: "Sign in with a key." }))
      .on("POST /console/session", ({ headers }) =>
        headers.get("authorization") === "Bearer good"
          ? json(SIGNED_IN, 201)
          : refusal(401, "This API key is unknown, expired or revoked."),
      );
    await open();
    expect(await screen.findByText("Sign in with a key.")).toBeTruthy();
    const field = screen.getByLabelText("API key");

    fireEvent.input(field, { target: { value: "wrong" } });
    fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => {
      expect(screen.getByRole("alert").textContent).toContain("unknown, expired or revoked");
    });
    fireEvent.input(field, { target: { value: " good " } });
    fireEvent.click(screen.getByRole("button", { name: "Sign in" }));

    await heading("Overview");
    expect(screen.getByText("acme")).toBeTruthy();
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain("good");
    expect(service.asked.filter((each) => each.headers.has("authorization"))).toHaveLength(2);
  });

  it("is not needed where the service is open", async () => {
    service.on("GET /console/session", () => json({ state: "open", scopes: ["admin"] }));
    await open();
    await heading("Overview");
    expect(screen.queryByRole("button", { name: "Sign out" })).toBeNull();
  });

  it("is asked for again once the key is revoked", async () => {
    service.on("GET /agents", () => refusal(401, "This API key is revoked.", "invalid_api_key"));
    await open("agents");
    expect(await screen.findByText(/session has ended/)).toBeTruthy();
    expect(screen.getByLabelText("API key")).toBeTruthy();
  });

  it("ends with a button", async () => {
    service.on("DELETE /console/session", () => json(null, 204));
    await open();
    fireEvent.click(await screen.findByRole("button", { name: "Sign out" }));
    expect(await screen.findByText("You are signed out.")).toBeTruthy();
    expect(service.requests("DELETE /console/session")[0]?.headers.get("x-console")).toBe("1");
  });

  it("says what to do where the service does not answer, and tries again", async () => {
    service.down = true;
    await open();
    expect(await screen.findByText(/does not answer/)).toBeTruthy();
    service.down = false;
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await heading("Overview");
  });

  it("shows the views that the key may see", async () => {
    service.on("GET /console/session", () => json({ ...SIGNED_IN, scopes: ["agents:read"] }));
    await open("health");
    await heading("Health");
    const names = within(screen.getByRole("navigation")).getAllByRole("link");
    expect(names.map((link) => link.textContent)).toEqual(["Agents", "Health"]);
  });
});

describe("what happens", () => {
  it("appears without a reload, changes and ends", async () => {
    await open("calls");
    expect(await screen.findByText(/There are no calls yet/)).toBeTruthy();
    await screen.findByText("Live");

    const ringing = call();
    service.stream.send(event("call.ringing", ringing));
    expect(await screen.findByText("ringing", { selector: ".status" })).toBeTruthy();
    const ended = { ...ringing, status: "ended", timeline: [entry("left")] };
    service.stream.send(event("call.ended", ended));
    expect(await screen.findByText("ended", { selector: ".status" })).toBeTruthy();
    expect(service.requests("GET /telephony/calls").length).toBeLessThanOrEqual(2);
  });

  it("is read once when a view opens", async () => {
    await open();
    await screen.findByText("Live");
    await screen.findByText("Newest sessions");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const asked = (path: string) =>
      service.requests(`GET ${path}`).map(({ url }) => url.searchParams.get("status"));
    expect(asked("/sessions").sort()).toEqual(["active", "agent_dispatched", "dispatch_failed", null]);
    expect(asked("/telephony/calls")).toHaveLength(4);
    expect(service.requests("GET /metrics")).toHaveLength(1);

    go("health");
    await screen.findByRole("button", { name: "Ask again" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(service.requests("GET /health/ready")).toHaveLength(1);
    expect(service.requests("GET /metrics")).toHaveLength(2);
  });

  it("is counted by the overview", async () => {
    const live = session({ status: "active", createdAt: new Date().toISOString() });
    service.on("GET /sessions", () => json({ sessions: [live], nextCursor: null }));
    await open();
    await screen.findByText("Live");
    const tile = async (name: string, value: string) => {
      await waitFor(() => {
        expect(screen.getByRole("link", { name: `${value} ${name}` })).toBeTruthy();
      });
    };
    await tile("Sessions live", "1");

    const now = new Date().toISOString();
    service.stream.send(event("call.created", call({ createdAt: now })));
    service.stream.send(event("session.created", session({ createdAt: now })));
    service.stream.send(
      event("session.failed", session({ status: "dispatch_failed", createdAt: now })),
    );

    await tile("Calls live", "1");
    await tile("Agents joining", "1");
    await tile("Sessions without an agent", "1");
    expect(screen.getByText(/Sessions per minute/).parentElement?.textContent).toContain(
      "this minute 3",
    );
  });

  it("is shown on its page as it comes, with the source of each fact", async () => {
    const known = session({ timeline: [entry("agent_dispatched", "api")] });
    service.on(`GET /sessions/${known.sessionId}`, () => json(known));
    await open("sessions", known.sessionId);
    await heading(/support-7/);
    await screen.findByText("Live");

    const joined = {
      ...known,
      status: "active",
      timeline: [...known.timeline, entry("agent_joined", "reconciler")],
    };
    service.stream.send(event("session.agent_joined", joined));
    service.stream.send(event("session.created", session({ roomName: "another" })));

    expect(await screen.findByText("agent joined")).toBeTruthy();
    expect(screen.getByText(/reported by the reconciler/)).toBeTruthy();
    expect(screen.queryByText("another")).toBeNull();
    expect(screen.getByText("Raw JSON", { selector: "summary" })).toBeTruthy();
  });

  it("has the page's record read again, as some changes have no event", async () => {
    const ring = call();
    service.on(`GET /telephony/calls/${ring.callId}`, () => json(ring));
    await open("calls", ring.callId);
    await screen.findByText(/No agent was dispatched/);
    await screen.findByText("Live");

    const served = session({ callId: ring.callId, agentName: "reception" });
    service
      .on(`GET /telephony/calls/${ring.callId}`, () => json({ ...ring, sessionId: served.sessionId }))
      .on(`GET /sessions/${served.sessionId}`, () => json(served));
    service.stream.send(event("session.created", served, { callId: ring.callId }));

    expect(await screen.findByRole("link", { name: "reception" })).toBeTruthy();
  });

  it("is read anew after a gap", async () => {
    await open("sessions");
    await screen.findByText("Live");
    const missed = session({ roomName: "missed" });
    service.on("GET /sessions", () => json({ sessions: [missed], nextCursor: null }));
    service.stream.write("event: reset\ndata: {}\n\n");
    expect(await screen.findByText("missed")).toBeTruthy();
  });

  it("is said to be out of date while the service does not answer", async () => {
    await open("sessions");
    await screen.findByText("Live");
    service.down = true;
    service.stream.end();
    expect(await screen.findByText(/Offline/)).toBeTruthy();
    service.down = false;
    fireEvent.click(screen.getByRole("button", { name: "Try now" }));
    expect(await screen.findByText("Live")).toBeTruthy();
  });

  it("is said not to come where there is no stream", async () => {
    service.on("GET /events", () => refusal(404, "There is nothing here."));
    await open("sessions");
    expect(await screen.findByText(/No live updates: There is nothing here\./)).toBeTruthy();
  });
});

describe("what strangers chose", () => {
  it("is text everywhere", async () => {
    const evil = session({
      roomName: XSS,
      userIdentity: XSS,
      agentName: XSS,
      agentConfig: { [XSS]: XSS, prompt: XSS },
      timeline: [{ ...entry(XSS, XSS), detail: XSS }],
    });
    const ring = call({ from: XSS, to: XSS, participantIdentity: XSS, disconnectReason: XSS });
    service
      .on("GET /sessions", () => json({ sessions: [evil], nextCursor: null }))
      .on("GET /telephony/calls", () => json({ calls: [ring], nextCursor: null }))
      .on(`GET /sessions/${evil.sessionId}`, () => json(evil))
      .on(`GET /telephony/calls/${ring.callId}`, () => json(ring));
    await open();
    for (const path of [[], ["sessions"], ["calls"], ["sessions", evil.sessionId], ["calls", ring.callId]]) {
      go(...path);
      await waitFor(() => {
        expect(screen.getByRole("main").textContent).toContain(XSS);
      });
      expect(screen.getByRole("main").querySelector("img, script")).toBeNull();
    }
    expect(globalThis).not.toHaveProperty("hacked");
  });
});

import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../src/app";
import { stream } from "../src/live/live";
import { hashOf, place, placeOf } from "../src/router";
import { resume, signIn } from "../src/state/session";
import { call, entry, event, session, SIGNED_IN } from "./records";
import { FakeService, json, refusal } from "./service";

// A chart needs a canvas; what it shows is tested by its words.
vi.mock("uplot", () => ({
  default: class {
    setData = vi.fn();
    setSize = vi.fn();
    destroy = vi.fn();
  },
}));
vi.stubGlobal(
  "ResizeObserver",
  class {
    observe = vi.fn();
    disconnect = vi.fn();
  },
);

const XSS = `"><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>`;

let service: FakeService;

beforeEach(() => {
  service = new FakeService()
    .on("GET /console/session", () => json(SIGNED_IN))
    .on("GET /sessions", () => json({ sessions: [], nextCursor: null }))
    .on("GET /telephony/calls", () => json({ calls: [], nextCursor: null }));
  go();
});

afterEach(() => {
  cleanup();
  stream.stop();
  signIn.value = { is: "asking" };
});

function go(...path: string[]): void {
  history.replaceState(null, "", hashOf(path));
  place.value = placeOf(location.hash);
}

async function open(...path: string[]): Promise<void> {
  go(...path);
  render(<App />);
  await resume();
}

const heading = (name: string | RegExp) => screen.findByRole("heading", { level: 1, name });

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

describe("the other views", () => {
  const VERSION = {
    agentId: "a-1",
    version: 2,
    name: "Reception",
    agentName: null,
    agentConfig: { prompt: "Be kind.\nBe short." },
    variables: {},
    description: "",
    createdAt: "2026-11-27T12:00:00.000Z",
  };
  const AGENT = { ...VERSION, latestVersion: 2, updatedAt: VERSION.createdAt };

  it("show what activating a version changes, and activate it", async () => {
    const older = { ...VERSION, version: 1, agentConfig: { prompt: "Be kind.\nBe long." } };
    service
      .on("GET /agents/a-1", () => json(AGENT))
      .on("GET /agents/a-1/versions", () => json({ versions: [VERSION, older], nextCursor: null }))
      .on("POST /agents/a-1/versions/1/activate", () => json({ ...AGENT, ...older }));
    await open("agents", "a-1");
    const diff = await screen.findByRole("region", { name: "agentConfig.prompt", hidden: true });
    expect(diff.textContent).toContain("removed: Be short.");
    expect(diff.textContent).toContain("added: Be long.");

    fireEvent.click(screen.getByRole("button", { name: "Activate version 1" }));
    await screen.findByRole("heading", { name: "Configuration of version 1" });
    await screen.findByRole("button", { name: "Activate version 2" });
  });

  it("make a key, show it once, and revoke it after a question", async () => {
    const key = {
      prefix: "blk_abcdefghijkl", name: "ops", tenant: "acme", scopes: ["calls:read"],
      state: "active", createdAt: AGENT.createdAt, expiresAt: null, revokedAt: null, lastUsedAt: null,
    };
    const keys: unknown[] = [];
    service
      .on("GET /api-keys", () => json({ apiKeys: keys }))
      .on("POST /api-keys", () => {
        keys.push(key);
        return json({ ...key, key: "blk_abcdefghijkl_secret" }, 201);
      })
      .on("DELETE /api-keys/blk_abcdefghijkl", () => {
        keys[0] = { ...key, state: "revoked" };
        return json(null, 204);
      });
    await open("api-keys");
    fireEvent.input(await screen.findByLabelText("Name"), { target: { value: "ops" } });
    fireEvent.click(screen.getByRole("button", { name: "Make the key" }));

    expect(await screen.findByText("blk_abcdefghijkl_secret")).toBeTruthy();
    expect(service.requests("POST /api-keys")[0]?.body).toEqual({
      name: "ops", scopes: ["sessions:write", "calls:read", "calls:write"],
    });
    fireEvent.click(screen.getByRole("button", { name: "Done" }));
    expect(screen.queryByText("blk_abcdefghijkl_secret")).toBeNull();

    const ask = vi.fn(() => false);
    vi.stubGlobal("confirm", ask);
    fireEvent.click(await screen.findByRole("button", { name: "Revoke ops" }));
    expect(service.requests("DELETE /api-keys/blk_abcdefghijkl")).toHaveLength(0);
    ask.mockReturnValue(true);
    fireEvent.click(screen.getByRole("button", { name: "Revoke ops" }));
    expect(await screen.findByText("revoked")).toBeTruthy();
  });

  it("show numbers, and health although something fails", async () => {
    service
      .on("GET /phone-numbers", () =>
        json({
          phoneNumbers: [
            {
              number: "+15105550199", agentId: "a-1", trunkId: null, preCallWebhook: null,
              createdAt: AGENT.createdAt, updatedAt: AGENT.createdAt,
            },
          ],
          nextCursor: null,
        }),
      )
      .on("GET /health", () => json({ version: "1.0", uptimeSeconds: 5, timestamp: AGENT.createdAt }))
      .on("GET /health/ready", () =>
        json(
          {
            status: "not_ready",
            checks: { livekit: { status: "failed", error: "LiveKit does not answer." } },
            warnings: ["There is no API key."],
          },
          503,
        ),
      );
    await open("phone-numbers");
    expect(await screen.findByText("+15105550199")).toBeTruthy();
    expect(screen.getByRole("link", { name: "its calls" }).getAttribute("href")).toBe(
      "#/calls?to=%2B15105550199",
    );
    go("health");
    expect(await screen.findByText(/LiveKit does not answer/)).toBeTruthy();
    expect(screen.getByText("There is no API key.")).toBeTruthy();
  });

  it("say that there is no such view, and move the focus to a new one", async () => {
    await open("nowhere");
    await heading("Not found");
    go("calls");
    await heading("Calls");
    await waitFor(() => {
      expect(document.activeElement).toBe(screen.getByRole("main"));
    });
    expect(document.title).toBe("Calls · backend-livekit");
  });

  it("draw few of 100,000 calls", async () => {
    const many = Array.from({ length: 100_000 }, () => call());
    service.on("GET /telephony/calls", () => json({ calls: many, nextCursor: null }));
    await open("calls");
    expect(await screen.findByText("100,000 calls")).toBeTruthy();
    expect(screen.getAllByRole("row").length).toBeLessThan(60);
  });
});

import { fireEvent, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { close, go, heading, newService, open } from "./page";
import { call } from "./records";
import { type FakeService, json } from "./service";

let service: FakeService;

beforeEach(() => {
  service = newService();
});

afterEach(close);

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

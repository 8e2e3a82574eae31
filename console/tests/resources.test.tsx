import { screen } from "@testing-library/preact";
import { afterEach, describe, expect, it } from "vitest";
import { close, newService, open } from "./page";
import { event } from "./records";
import { json } from "./service";

afterEach(close);

const TIME = "2026-11-27T12:00:00.000Z";
const VERSION = {
  agentId: "a-1", version: 1, name: "Reception", agentName: null, agentConfig: {}, variables: {},
  description: "", createdAt: TIME,
};
const AGENT = { ...VERSION, latestVersion: 1, updatedAt: TIME };
const NUMBER = {
  number: "+15105550199", agentId: "a-1", trunkId: null, preCallWebhook: null, createdAt: TIME,
  updatedAt: TIME,
};
const KEY = {
  prefix: "blk_abcdefghijkl", name: "ops", tenant: "acme", scopes: [], state: "active",
  createdAt: TIME, expiresAt: null, revokedAt: null, lastUsedAt: null,
};

describe("a list of", () => {
  it.each([
    ["agents", "/agents", "agents", "agent.created", AGENT, "Reception"],
    ["phone numbers", "/phone-numbers", "phoneNumbers", "phone_number.created", NUMBER, "+15105550199"],
    ["API keys", "/api-keys", "apiKeys", "api_key.created", KEY, "ops"],
  ])("%s changes without a reload", async (_, path, field, type, item, name) => {
    let items: unknown[] = [];
    const service = newService().on(`GET ${path}`, () => json({ [field]: items, nextCursor: null }));
    await open(path.slice(1));
    await screen.findByText("Live");
    items = [item];
    service.stream.send(event(type, item));
    expect(await screen.findByText(name)).toBeTruthy();
  });

  it("versions changes with its agent", async () => {
    let current = AGENT;
    const service = newService()
      .on("GET /agents/a-1", () => json(current))
      .on("GET /agents/a-1/versions", () => json({ versions: [VERSION], nextCursor: null }));
    await open("agents", "a-1");
    await screen.findByRole("heading", { name: "Reception" });
    await screen.findByText("Live");
    current = { ...AGENT, name: "Front desk" };
    service.stream.send(event("agent.updated", current));
    expect(await screen.findByRole("heading", { name: "Front desk" })).toBeTruthy();
  });
});

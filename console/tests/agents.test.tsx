import { fireEvent, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { close, heading, newService, open } from "./page";
import { type FakeService, json } from "./service";

const TIME = "2026-11-27T12:00:00.000Z";
const AGENT = {
  agentId: "a-1",
  version: 3,
  latestVersion: 3,
  name: "Reception",
  agentName: "worker",
  agentConfig: { prompt: "Be kind.", engine: { kind: "pipeline" } },
  variables: { customer: "there" },
  description: "",
  createdAt: TIME,
  updatedAt: TIME,
};
const TEXT = { oneOf: [{ type: "string" }, { type: "null" }] };
const AGENT_SCHEMA = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string" },
    agentName: TEXT,
    agentConfig: {
      oneOf: [
        { type: "object", properties: { prompt: { type: ["string", "null"] } } },
        { type: "null" },
      ],
    },
    variables: { oneOf: [{ type: "object" }, { type: "null" }] },
    description: TEXT,
  },
};
const WEBHOOK = { properties: { url: { type: "string" } }, additionalProperties: false };
const NUMBER_FIELDS = {
  agentId: { type: "string", format: "uuid" },
  trunkId: TEXT,
  preCallWebhook: { oneOf: [{ type: "object", ...WEBHOOK }, { type: "null" }] },
};
const SCHEMAS = {
  CreateAgentRequest: AGENT_SCHEMA,
  AddPhoneNumberRequest: {
    type: "object",
    required: ["number", "agentId"],
    properties: { number: { type: "string" }, ...NUMBER_FIELDS },
  },
  ChangePhoneNumberRequest: { type: "object", properties: NUMBER_FIELDS },
};
const NUMBER = {
  number: "+15105550199",
  agentId: "a-1",
  trunkId: "ST_1",
  preCallWebhook: { url: "https://example.com/calls" },
  createdAt: TIME,
  updatedAt: TIME,
};

let service: FakeService;

beforeEach(() => {
  service = newService()
    .on("GET /docs/openapi.json", () => json({ components: { schemas: SCHEMAS } }))
    .on("GET /agents", () => json({ agents: [AGENT], nextCursor: null }))
    .on("GET /agents/a-1", () => json(AGENT))
    .on("GET /agents/a-1/versions", () => json({ versions: [], nextCursor: null }))
    .on("GET /phone-numbers", () => json({ phoneNumbers: [NUMBER], nextCursor: null }))
    .on(`GET /phone-numbers/${encodeURIComponent("+15105550199@ST_1")}`, () => json(NUMBER));
});

afterEach(close);

async function type(label: string | RegExp, text: string): Promise<void> {
  fireEvent.input(await screen.findByLabelText(label), { target: { value: text } });
}

function press(name: string): void {
  fireEvent.click(screen.getByRole("button", { name }));
}

describe("an agent", () => {
  it("is created from the form, whose refused fields say why", async () => {
    let taken = true;
    service.on("POST /agents", () =>
      taken
        ? json({ error: "There is already an agent named 'Reception'.", field: "name" }, 409)
        : json(AGENT, 201),
    );
    await open("agents", "new");
    await type("Name", "Reception");
    await type("Prompt", "Be kind.");
    press("Create the agent");
    expect(await screen.findByText("There is already an agent named 'Reception'.")).toBeTruthy();
    await waitFor(() => {
      expect(document.activeElement).toBe(screen.getByLabelText("Name"));
    });

    taken = false;
    press("Create the agent");
    await heading("Reception");
    expect(service.requests("POST /agents")[1]?.body).toEqual({
      name: "Reception",
      agentConfig: { prompt: "Be kind." },
    });
  });

  it("is edited as a whole, and only as it was read", async () => {
    service.on("PATCH /agents/a-1", () => json({ ...AGENT, version: 4 }));
    await open("agents", "a-1", "edit");
    await type("Prompt", "Be short.");
    await type("Agent name", "");
    press("Save a new version");
    await heading("Reception");
    expect(service.requests("PATCH /agents/a-1")[0]?.body).toEqual({
      name: "Reception",
      agentName: null,
      agentConfig: { prompt: "Be short.", engine: { kind: "pipeline" } },
      variables: { customer: "there" },
      description: "",
      version: 3,
    });
  });

  it("is deleted after a question", async () => {
    service.on("DELETE /agents/a-1", () => json(null, 204));
    const ask = vi.fn(() => false);
    vi.stubGlobal("confirm", ask);
    await open("agents", "a-1");
    await heading("Reception");
    press("Delete");
    expect(service.requests("DELETE /agents/a-1")).toHaveLength(0);
    ask.mockReturnValue(true);
    press("Delete");
    await heading("Agents");
  });

  it("is not changed with a key that may only read", async () => {
    service.on("GET /console/session", () =>
      json({ state: "signed_in", tenant: "acme", scopes: ["agents:read"] }),
    );
    await open("agents", "a-1");
    await heading("Reception");
    expect(screen.queryByRole("link", { name: "Edit" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
  });
});

describe("a phone number", () => {
  it("is added for an agent, and its webhook's secret is shown once", async () => {
    service.on("POST /phone-numbers", () =>
      json({ ...NUMBER, preCallWebhook: { url: "https://example.com", secret: "whsec_1" } }, 201),
    );
    await open("phone-numbers", "new");
    await type("Number", "+1 510 555 0199");
    fireEvent.change(screen.getByLabelText("Agent ID"), { target: { value: "a-1" } });
    await type("URL", "https://example.com");
    press("Add the number");
    expect(await screen.findByText("whsec_1")).toBeTruthy();
    expect(service.requests("POST /phone-numbers")[0]?.body).toEqual({
      number: "+1 510 555 0199",
      agentId: "a-1",
      preCallWebhook: { url: "https://example.com" },
    });
  });

  it("gets another agent, and loses its webhook when the URL is removed", async () => {
    const route = `PATCH /phone-numbers/${encodeURIComponent("+15105550199@ST_1")}`;
    service.on(route, () => json({ ...NUMBER, preCallWebhook: null }));
    await open("phone-numbers", "+15105550199@ST_1");
    await type("URL", "");
    press("Save");
    await heading("Phone numbers");
    expect(service.requests(route)[0]?.body).toEqual({
      agentId: "a-1",
      trunkId: "ST_1",
      preCallWebhook: null,
    });
  });

  it("is named with its trunk where it has one", async () => {
    await open("phone-numbers");
    const link = await screen.findByRole("link", { name: "+15105550199" });
    expect(link.getAttribute("href")).toBe("#/phone-numbers/%2B15105550199%40ST_1");
  });
});

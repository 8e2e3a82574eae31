import { fireEvent, screen, waitFor, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { close, go, open, XSS } from "./page";
import { delivery, event, SIGNED_IN, webhook } from "./records";
import { FakeService, json, refusal } from "./service";

let service: FakeService;
let known: ReturnType<typeof webhook>;

beforeEach(() => {
  vi.stubGlobal("confirm", () => true);
  known = webhook({ webhookId: "w-1" });
  service = new FakeService()
    .on("GET /console/session", () => json(SIGNED_IN))
    .on("GET /webhooks", () => json({ webhooks: [known], nextCursor: null }))
    .on("GET /webhooks/w-1", () => json(known));
  deliveries();
});

afterEach(close);

function deliveries(...found: unknown[]): void {
  service.on("GET /webhooks/w-1/deliveries", () => json({ deliveries: found, nextCursor: null }));
}

const press = async (name: string | RegExp) =>
  fireEvent.click(await screen.findByRole("button", { name }));

describe("webhooks", () => {
  it("are added, and their secret is shown once", async () => {
    service.on("POST /webhooks", () => json({ ...known, secret: "whsec_1" }, 201));
    await open("webhooks");
    fireEvent.input(await screen.findByLabelText("URL"), {
      target: { value: "https://example.com/events" },
    });
    fireEvent.input(screen.getByLabelText("Description"), { target: { value: "CRM" } });
    fireEvent.click(screen.getByLabelText("all events of sessions and calls"));
    fireEvent.click(await screen.findByLabelText("call.ended"));
    await press("Add");

    expect(await screen.findByText("whsec_1")).toBeTruthy();
    expect(service.requests("POST /webhooks")[0]?.body).toEqual({
      url: "https://example.com/events", events: ["call.ended"], description: "CRM",
    });
    await press("Done");
    expect(screen.queryByText("whsec_1")).toBeNull();
  });

  it("show what the service refuses", async () => {
    service.on("POST /webhooks", () => refusal(400, "url must begin with https://."));
    await open("webhooks");
    fireEvent.input(await screen.findByLabelText("URL"), { target: { value: "http://x.example" } });
    await press("Add");
    expect((await screen.findByRole("alert")).textContent).toContain("must begin with https://");
  });

  it("are changed, disabled and enabled, tested, and get another secret", async () => {
    service
      .on("PATCH /webhooks/w-1", ({ body }) => json((known = { ...known, ...(body as object) })))
      .on("POST /webhooks/w-1/test", () =>
        json({ delivered: false, statusCode: 500, error: "It answered 500.", durationMs: 12 }),
      )
      .on("POST /webhooks/w-1/rotate-secret", () => json({ ...known, secret: "whsec_2" }));
    await open("webhooks", "w-1");
    await press("Send a test");
    expect(await screen.findByText(/was not delivered: It answered 500/)).toBeTruthy();
    await press("Disable");
    await press("Enable");
    await press("Rotate the secret");
    expect(await screen.findByText("whsec_2")).toBeTruthy();

    fireEvent.input(screen.getByLabelText("Description"), { target: { value: "" } });
    await press("Save");
    await waitFor(() => {
      expect(service.requests("PATCH /webhooks/w-1").map((each) => each.body)).toEqual([
        { status: "disabled" },
        { status: "enabled" },
        { url: known.url, events: ["*"], description: null },
      ]);
    });
  });

  it("are deleted after a question", async () => {
    const ask = vi.fn(() => false);
    vi.stubGlobal("confirm", ask);
    service.on("DELETE /webhooks/w-1", () => json(null, 204));
    await open("webhooks", "w-1");
    await press("Delete");
    expect(service.requests("DELETE /webhooks/w-1")).toHaveLength(0);
    ask.mockReturnValue(true);
    await press("Delete");
    await waitFor(() => {
      expect(location.hash).toBe("#/webhooks");
    });
  });

  it("show at once that one was disabled", async () => {
    await open("webhooks");
    await screen.findByText("enabled");
    await screen.findByText("Live");
    known = { ...known, status: "disabled", disabledReason: "failing" };
    service.stream.send(event("webhook.disabled", { webhookId: "w-1" }));
    expect(await screen.findByText("disabled")).toBeTruthy();
    expect(screen.getByText("it failed for a day")).toBeTruthy();
  });

  it("are read only for a key that may not change them, and left out for others", async () => {
    service.on("GET /console/session", () => json({ ...SIGNED_IN, scopes: ["webhooks:read"] }));
    deliveries(delivery());
    await open("webhooks", "w-1");
    await screen.findByText(/call\.ended/, { selector: "summary" });
    for (const name of ["Delete", "Save", "Send a test", /^Redeliver/]) {
      expect(screen.queryByRole("button", { name })).toBeNull();
    }
    const names = within(screen.getByRole("navigation")).getAllByRole("link");
    expect(names.map((link) => link.textContent)).toContain("Webhooks");
    close();

    service.on("GET /console/session", () => json({ ...SIGNED_IN, scopes: ["agents:read"] }));
    await open("health");
    await screen.findByRole("heading", { name: "Health" });
    expect(screen.queryByRole("link", { name: "Webhooks" })).toBeNull();
  });

  it("show what their owners wrote as text", async () => {
    known = { ...known, url: XSS, description: XSS };
    const attempt = { at: XSS, statusCode: null, error: XSS, durationMs: 1 };
    deliveries(delivery({ event: XSS, attempts: [attempt] }));
    await open("webhooks");
    expect((await screen.findAllByText(XSS)).length).toBeGreaterThan(1);
    go("webhooks", "w-1");
    await screen.findByRole("heading", { level: 1, name: XSS });
    expect(screen.getByRole("main").querySelector("img, script")).toBeNull();
    expect(globalThis).not.toHaveProperty("hacked");
  });
});

describe("deliveries", () => {
  it("show their attempts, and are sent again", async () => {
    const failed = delivery();
    deliveries(failed);
    service.on(`POST /deliveries/${failed.deliveryId}/redeliver`, () => {
      deliveries({ ...failed, status: "pending" });
      return json({ ...failed, status: "pending" }, 202);
    });
    await open("webhooks", "w-1");
    expect(await screen.findByText(/1 attempt, the last answered 503/)).toBeTruthy();
    await press(/^Redeliver call\.ended/);
    expect(await screen.findByText("pending", { selector: ".status" })).toBeTruthy();
  });

  it("are filtered by their status", async () => {
    await open("webhooks", "w-1");
    await press("failed");
    await waitFor(() => {
      const asked = service.requests("GET /webhooks/w-1/deliveries").at(-1);
      expect(asked?.url.searchParams.get("status")).toBe("failed");
    });
  });

  it("show a later attempt once it is hinted, and that the webhook fails", async () => {
    const waiting = delivery({ status: "pending", nextAttemptAt: "2026-11-27T12:01:00.000Z" });
    deliveries(waiting);
    await open("webhooks", "w-1");
    await screen.findByText(/1 attempt, the last answered 503/);
    await screen.findByText("Live");
    const again = { at: "2026-11-27T12:01:00.000Z", statusCode: 204, error: null, durationMs: 9 };
    deliveries({ ...waiting, status: "succeeded", attempts: [...waiting.attempts, again] });
    known = { ...known, failingSince: "2026-11-27T12:00:00.000Z" };
    service.stream.hint("inbox");
    service.stream.hint("deliveries");
    expect(await screen.findByText(/2 attempts, the last answered 204/)).toBeTruthy();
    expect(await screen.findByText(/failing since/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: /Read again/ })).toBeNull();
  });

  it("appear once something has happened", async () => {
    await open("webhooks", "w-1");
    await screen.findByText(/None\. A webhook gets/);
    await screen.findByText("Live");
    deliveries(delivery({ event: "session.created", status: "succeeded" }));
    service.stream.send(event("session.created", {}));
    const summary = { selector: "summary" };
    const shown = await screen.findByText(/session\.created/, summary, { timeout: 5000 });
    expect(shown.textContent).toContain("succeeded");
  });
});

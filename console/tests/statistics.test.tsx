import { fireEvent, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { samplesOf } from "../src/state/metrics";
import { FIGURES, type Group, inWords, statisticsPath } from "../src/state/statistics";
import { close, go, heading, newService, open } from "./page";
import { event, session } from "./records";
import { type FakeService, json, refusal } from "./service";

const NOTHING: Group = {
  sessions: 0,
  liveSessions: 0,
  unservedSessions: 0,
  calls: 0,
  answeredCalls: 0,
  answerRate: null,
  failedCalls: 0,
  sessionSecondsP50: null,
  sessionSecondsP95: null,
  callSecondsP50: null,
  callSecondsP95: null,
  agentJoinMsP50: null,
  agentJoinMsP95: null,
  turnMsP50: null,
  turnMsP95: null,
  turns: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  agentMinutes: 0,
  callMinutes: 0,
  cost: null,
};
const SOME: Group = {
  ...NOTHING,
  sessions: 12,
  calls: 10,
  answerRate: 0.9,
  turnMsP50: 800,
  turnMsP95: 1500,
  cost: { amount: "1.25000000", currency: "USD", incomplete: true, unpriced: ["x/y"] },
};
const METRICS = `# HELP backend_inbox_events Webhook events
# TYPE backend_inbox_events gauge
backend_inbox_events{status="pending"} 7.0
backend_inbox_events{status="dead"} 2.0
backend_inbox_oldest_pending_age_seconds 90.5
backend_webhook_pending_deliveries 3.0
backend_reconciler_held_entries 1.0
backend_reconciler_last_success_timestamp_seconds 1.795e+09
`;

let service: FakeService;

beforeEach(() => {
  service = newService()
    .on("GET /metrics", () => new Response(METRICS))
    .on("GET /agents", () =>
      json({ agents: [{ agentId: "a-1", name: "Reception" }], nextCursor: null }),
    );
});

afterEach(close);

function answers(all: Group, days: Group[], agents: Group[]): void {
  service.on("GET /statistics", ({ url }) => {
    const by = url.searchParams.get("groupBy");
    const groups = by === "day" ? days : by === "agent" ? agents : [all];
    return json({ from: "2026-11-01T00:00:00.000Z", to: "2026-12-01T00:00:00.000Z", groups });
  });
}

describe("statistics", () => {
  it("are shown in words beside each chart, by day and by agent", async () => {
    const days = [{ ...SOME, day: "2026-11-01" }, { ...NOTHING, day: "2026-11-02" }];
    answers(SOME, days, [{ ...SOME, agentName: "worker", agentId: "a-1" }]);
    await open("statistics");
    const figure = async (title: string) =>
      (await screen.findByText(title, { selector: "figcaption strong" })).parentElement?.textContent;
    expect(await figure("Answer rate")).toContain("90.0 %");
    expect(await figure("Turn latency")).toContain("p50 0.80 s, p95 1.50 s");
    expect(await figure("Cost (USD)")).toContain("1.25");
    expect(screen.getByText("x/y")).toBeTruthy();
    expect(await screen.findByRole("link", { name: "Reception" })).toBeTruthy();
    // What nothing is known of has no chart.
    expect(screen.queryByText("Duration of calls", { selector: "strong" })).toBeNull();
  });

  it("are of the range that the address has, also as CSV", async () => {
    answers(SOME, [], []);
    await open("statistics");
    const link = await screen.findByRole("link", { name: "Download as CSV" });
    expect(link.getAttribute("href")).toBe("/statistics.csv?groupBy=day%2Cagent");
    fireEvent.change(screen.getByLabelText("From (UTC)"), { target: { value: "2026-11-05" } });
    await waitFor(() => {
      expect(service.asked.at(-1)?.url.searchParams.get("from")).toBe("2026-11-05");
    });
    expect(location.hash).toBe("#/statistics?from=2026-11-05");
  });

  it("follow the events of what they count, and no others", async () => {
    answers({ ...SOME, sessions: 12 }, [], []);
    await open("statistics");
    const sessions = async () =>
      (await screen.findByText("Sessions", { selector: "figcaption strong" })).parentElement?.textContent;
    expect(await sessions()).toContain("12");
    await screen.findByText("Live");
    const before = service.requests("GET /statistics").length;
    expect(before).toBe(3);

    answers({ ...SOME, sessions: 13 }, [], []);
    service.stream.send(event("agent.updated", {}));
    for (let sent = 0; sent < 5; sent += 1) service.stream.send(event("session.created", session()));
    const settled = { timeout: 20_000 };
    await waitFor(async () => {
      expect(await sessions()).toContain("13");
      expect(service.requests("GET /statistics")).toHaveLength(2 * before);
    }, settled);
  }, 30_000);

  it("say what is wrong with a range, and what to do about an empty one", async () => {
    service.on("GET /statistics", () => refusal(400, "to must be after from."));
    await open("statistics");
    expect((await screen.findAllByText("to must be after from.")).length).toBeGreaterThan(0);
    answers(NOTHING, [], []);
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText(/No session and no call began/)).toBeTruthy();
  });

  it("are written with their unit, and as a dash where there are none", () => {
    expect(FIGURES.map((figure) => inWords(figure, NOTHING)).filter((text) => text === "–")).toHaveLength(6);
    expect(statisticsPath({ from: "2026-11-01", to: "" }, "day")).toBe(
      "/statistics?from=2026-11-01&groupBy=day",
    );
  });
});

describe("the latency of turns", () => {
  it("is a chart of the last hour, by the minute in which a session began", async () => {
    const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString();
    const earlier = new Date(Date.parse(minute) - 600_000).toISOString();
    const groups = [{ ...SOME, minute, turnMsP50: 700 }, { ...SOME, minute: earlier }];
    service.on("GET /statistics", ({ url }) =>
      json({ groups: url.searchParams.get("groupBy") === "minute" ? groups : [NOTHING] }),
    );
    await open();
    const title = await screen.findByText("Turn latency, median", { selector: "strong" });
    await waitFor(() => {
      expect(title.parentElement?.textContent).toContain("at most 0.8 s");
    });
    const asked = service.requests("GET /statistics").map(({ url }) => url.searchParams);
    const from = asked.find((query) => query.get("groupBy") === "minute")?.get("from") ?? "";
    expect(Date.now() - Date.parse(from)).toBeGreaterThanOrEqual(59 * 60_000);
  });
});

describe("what waits in the service", () => {
  it("is on the overview and on the page of its health", async () => {
    await open();
    expect(await screen.findByRole("link", { name: /7 Webhooks to handle, for 1 min 31 s/ })).toBeTruthy();
    expect(screen.getByRole("link", { name: /2 Webhooks given up/ })).toBeTruthy();
    service.on("GET /health/ready", () => json({ status: "ready", checks: {}, warnings: [] }));
    go("health");
    expect(await screen.findByText("7, the oldest for 1 min 31 s")).toBeTruthy();
    expect(await screen.findByText(/No session has asked for a worker yet/)).toBeTruthy();
  });

  it("is no request of a key that may not know", async () => {
    service.on("GET /console/session", () =>
      json({ state: "signed_in", tenant: "acme", scopes: ["calls:read"] }),
    );
    await open();
    await heading("Overview");
    await screen.findByText("Live");
    expect(service.requests("GET /metrics")).toHaveLength(0);
  });

  it("is read from Prometheus' text", () => {
    expect(samplesOf('a_total{x="1\\"2",y=""} 3\n# a_total\nb NaN\nc +Inf\nbroken')).toEqual([
      { name: "a_total", labels: { x: '1\\"2', y: "" }, value: 3 },
      { name: "c", labels: {}, value: Infinity },
    ]);
  });
});

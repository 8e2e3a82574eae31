import { screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Session } from "../src/api/types";
import { stateOf, type Worker, workersOf } from "../src/views/workers";
import { close, newService, open } from "./page";
import { entry, event, session } from "./records";
import { type FakeService, json } from "./service";

const at = (time: string) => `2026-11-27T${time}.000Z`;
const dispatched = (time: string) => entry("agent_dispatched", "api", at(time));
const missed = (time: string) => entry("agent_never_joined", "reconciler", at(time));
const joined = (time: string): Partial<Session> => ({
  status: "active",
  agentJoinedAt: at(time),
  timeline: [dispatched(time), entry("agent_joined", "webhook", at(time))],
});
const without = (...timeline: Session["timeline"]) => session({ status: "dispatch_failed", timeline });
const only = (...sessions: Session[]) => workersOf(sessions)[0] as Worker;
const stateBy = (...sessions: Session[]) => stateOf(only(...sessions));

describe("a worker", () => {
  it("is known by the sessions that ask for it", () => {
    const found = workersOf([
      session({ agentName: "b", status: "dispatch_failed", timeline: [missed("12:00:08")] }),
      session({ agentName: "a", ...joined("12:00:00") }),
      session({ agentName: "a", ...joined("11:00:00"), status: "ended" }),
    ]);
    expect(found).toEqual([
      { name: "a", serving: 1, joining: 0, without: 0, missed: 0, missedAt: null, joinedAt: at("12:00:00") },
      { name: "b", serving: 0, joining: 0, without: 1, missed: 1, missedAt: at("12:00:08"), joinedAt: null },
    ]);
  });

  it("has not failed while its agent may still join", () => {
    expect(stateBy(session({ timeline: [dispatched("12:00:00")] }))).toBe("unknown");
    const second = session({ timeline: [dispatched("12:30:00")] });
    expect(stateBy(session(joined("12:00:00")), second)).toBe("ok");
  });

  it("has failed once a session's agent did not join in time, also while it is dispatched again", () => {
    expect(stateBy(without(dispatched("12:00:00"), missed("12:00:08")))).toBe("failed");
    const again = session({
      timeline: [dispatched("12:00:00"), missed("12:00:08"), dispatched("12:00:08")],
    });
    expect(stateBy(again)).toBe("failed");
    expect(only(again)).toMatchObject({ missed: 1, joining: 1, without: 0 });
  });

  it("works again with the next agent that joins", () => {
    expect(stateBy(without(missed("12:00:08")), session(joined("12:00:09")))).toBe("ok");
    expect(stateBy(session(joined("12:00:00")), without(missed("12:30:00")))).toBe("failed");
  });

  it("does not fail by one job that LiveKit drops of many", () => {
    expect(stateBy(session(joined("12:00:00")), without(missed("12:00:30")))).toBe("ok");
  });

  it("does not fail by an agent that left, nor by a dispatch that LiveKit refused", () => {
    const left = [...(joined("12:00:00").timeline ?? []), entry("agent_left", "webhook", at("12:05:00"))];
    const session1 = session({ status: "dispatch_failed", agentJoinedAt: at("12:00:00"), timeline: left });
    expect(stateBy(session1)).toBe("ok");
    expect(stateBy(without(entry("dispatch_failed", "api", at("12:00:00"))))).toBe("unknown");
  });

  it("is not known to work where the last session ended without an agent", () => {
    const ended = session({ status: "ended", timeline: [missed("12:30:00"), entry("ended")] });
    expect(stateBy(session({ ...joined("12:00:00"), status: "ended" }), ended)).toBe("unknown");
  });
});

describe("workers on the page of the service's health", () => {
  let service: FakeService;

  beforeEach(() => {
    service = newService().on("GET /health/ready", () =>
      json({ status: "ready", checks: {}, warnings: [] }),
    );
  });
  afterEach(close);

  const answer = (...sessions: Session[]) =>
    service.on("GET /sessions", ({ url }) => {
      const status = url.searchParams.get("status");
      return json({ sessions: sessions.filter((each) => each.status === status), nextCursor: null });
    });
  const row = async (name: string, timeout = 1_000) => {
    const header = await screen.findByRole("rowheader", { name }, { timeout });
    return within(header.closest("tr") as HTMLElement);
  };

  it("say why one has failed", async () => {
    answer(
      session({ agentName: "reception", status: "dispatch_failed", timeline: [missed("12:00:08")] }),
      session({ agentName: "billing", ...joined("12:00:00") }),
    );
    await open("health");
    const reception = await row("reception");
    reception.getByText("failed");
    reception.getByText(/^no agent joined 1 session in time, last at /);
    (await row("billing")).getByText("ok");
  });

  it("change with the events of their sessions", async () => {
    await open("health");
    await screen.findByText(/No session has asked for a worker yet/);
    await screen.findByText("Live");
    const failing = session({ agentName: "reception", status: "dispatch_failed" });
    answer(failing);
    service.stream.send(event("session.failed", failing));
    await row("reception", 20_000);
  });

  it("are shown although the service's own state is not known", async () => {
    await open("health");
    await screen.findByText("ready");
    service.down = true;
    screen.getByRole("button", { name: "Ask again" }).click();
    await screen.findAllByText(/The service does not answer/);
    expect(screen.queryByText("ready")).toBeNull();
  });
});

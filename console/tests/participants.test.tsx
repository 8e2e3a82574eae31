import { fireEvent, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Participant } from "../src/api/participants";
import type { Session } from "../src/api/types";
import { close, newService, open, XSS } from "./page";
import { event, session } from "./records";
import { type FakeService, json, refusal } from "./service";

let service: FakeService;
let known: Session;

beforeEach(() => {
  known = session({ roomSid: "RM_1" });
  service = newService().on(`GET /sessions/${known.sessionId}`, () => json(known));
});

afterEach(close);

function participant(fields: Partial<Participant> = {}): Participant {
  return {
    identity: "ann",
    name: null,
    kind: "standard",
    sid: "PA_1",
    roomSid: "RM_1",
    source: "webhook",
    joinedAt: "2026-11-27T12:00:00.000Z",
    joinedAtSource: "webhook",
    leftAt: null,
    leftAtIs: null,
    leftAtSource: null,
    leaveReason: null,
    connectionAborted: false,
    isPublisher: false,
    agentName: null,
    phone: null,
    ...fields,
  };
}

function lists(participants: Participant[], gaps: string[] = [], nextCursor: string | null = null) {
  service.on(`GET /sessions/${known.sessionId}/participants`, () =>
    json({ roomName: known.roomName, participants, nextCursor, listedAt: null, gaps }),
  );
}

const show = () => open("sessions", known.sessionId);
const table = async () => within(await screen.findByRole("table", { name: "Participants" }));
const cells = async (name: RegExp) => {
  const row = (await table()).getByRole("row", { name });
  return within(row).getAllByRole("cell").map((cell) => cell.textContent);
};

describe("participants", () => {
  it("are shown with their kind, whether they are in, and why they left, in words", async () => {
    lists([
      participant(),
      participant({ identity: "agent-1", sid: "PA_2", kind: "agent", agentName: "reception" }),
      participant({
        identity: "sip_1",
        sid: "PA_3",
        kind: "sip",
        phone: {
          direction: "inbound",
          from: "+15105550100",
          to: "+15105550199",
          trunkId: null,
          status: "hangup",
        },
        leftAt: "2026-11-27T12:05:00.000Z",
        leftAtIs: "at_most",
        leftAtSource: "ledger",
        leaveReason: "CLIENT_INITIATED",
      }),
    ]);
    await show();
    expect((await cells(/^ann/)).slice(0, 2)).toEqual(["standard", "in"]);
    expect((await cells(/^agent-1/)).slice(0, 2)).toEqual(["agent reception", "in"]);
    const [kind, state, , left] = await cells(/^sip_1/);
    expect([kind, state]).toEqual(["telephone +15105550100", "left"]);
    expect(left).toMatch(/^by .*, client initiated$/);
    expect(screen.getByText(/sip_1: join, LiveKit's webhook; leave, the ledger/)).toBeTruthy();
  });

  it("change with the session's events, and when a hint says that a participant came", async () => {
    lists([]);
    await show();
    await screen.findByText(/No participant is known yet/);
    await screen.findByText("Live");
    lists([participant()]);
    service.stream.send(event("session.agent_joined", session(), { sessionId: "another" }));
    service.stream.send(event("session.agent_joined", known, { sessionId: known.sessionId }));
    expect((await cells(/^ann/))[1]).toBe("in");
    expect(service.requests(`GET /sessions/${known.sessionId}/participants`)).toHaveLength(2);

    lists([participant({ identity: "ben" })]);
    service.stream.hint("participants");
    expect((await (await table()).findByRole("rowheader", { name: /ben/ })).textContent).toBe("ben");
  });

  it("say what is missing, go on, and say what is wrong", async () => {
    lists([participant()], ["livekit_unreachable"], "cursor-1");
    await show();
    expect(await screen.findByText(/LiveKit did not answer/)).toBeTruthy();
    lists([participant({ identity: "ben", sid: "PA_2" })], ["livekit_unreachable"]);
    fireEvent.click(screen.getByRole("button", { name: "Earlier participants" }));
    expect(await (await table()).findByRole("rowheader", { name: "ben" })).toBeTruthy();
    expect((await table()).getByRole("rowheader", { name: "ann" })).toBeTruthy();

    service.on(`GET /sessions/${known.sessionId}/participants`, () => refusal(503, "No database."));
    fireEvent.click(screen.getByRole("button", { name: "Read again" }));
    expect(await screen.findByText("No database.")).toBeTruthy();
  });

  it("are text, whatever they call themselves", async () => {
    lists([participant({ identity: XSS, name: XSS })]);
    await show();
    expect((await screen.findAllByText(XSS, { exact: false })).length).toBeGreaterThan(0);
    expect((globalThis as { hacked?: number }).hacked).toBeUndefined();
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import type { Session } from "../src/api/types";
import { SESSIONS } from "../src/state/kinds";
import { RecordList } from "../src/state/record_list";
import { entry, session } from "./records";
import { FakeService, json, refusal } from "./service";

let service: FakeService;

beforeEach(() => {
  service = new FakeService();
});

function pages(...answers: Session[][]): void {
  service.on("GET /sessions", ({ url }) => {
    const at = Number(url.searchParams.get("cursor") ?? "0");
    const next = at + 1 < answers.length ? (at + 1).toString() : null;
    return json({ sessions: answers[at], nextCursor: next });
  });
}

function at(minute: number, fields: Partial<Session> = {}): Session {
  return session({ createdAt: new Date(Date.UTC(2026, 10, 27, 12, minute)).toISOString(), ...fields });
}

const ids = (list: RecordList<Session>) => list.items.value.map((each) => each.sessionId);

describe("a list", () => {
  it("reads its pages, none twice", async () => {
    const [a, b, c] = [at(3), at(2), at(1)];
    pages([a, b], [b, c]);
    const list = new RecordList(SESSIONS, {});

    await list.reload();
    expect([ids(list), list.complete.value]).toEqual([[a.sessionId, b.sessionId], false]);
    await list.more();
    expect([ids(list), list.complete.value]).toEqual([
      [a.sessionId, b.sessionId, c.sessionId],
      true,
    ]);
    await list.more();
    expect(service.requests("GET /sessions")).toHaveLength(2);
  });

  it("sends its filters", async () => {
    pages([]);
    await new RecordList(SESSIONS, { status: "ended", roomName: " a&b " }).reload();
    const [asked] = service.asked;
    expect(asked?.url.searchParams.get("status")).toBe("ended");
    expect(asked?.url.searchParams.get("roomName")).toBe("a&b");
  });

  it("shows what events tell, in its place", async () => {
    const [a, b] = [at(3), at(1)];
    pages([a, b]);
    const list = new RecordList(SESSIONS, {});
    await list.reload();

    const [newest, between, oldest] = [at(9), at(2), at(0)];
    for (const told of [between, newest, oldest]) list.tell(told);

    expect(ids(list)).toEqual(
      [newest, a, between, b, oldest].map((each) => each.sessionId),
    );
  });

  it("leaves what is older than all that is read to its page", async () => {
    pages([at(3), at(2)], [at(1)]);
    const list = new RecordList(SESSIONS, {});
    await list.reload();
    list.tell(at(0));
    expect(list.items.value).toHaveLength(2);
  });

  it("drops what its filters no longer leave", async () => {
    const live = at(1, { status: "active" });
    pages([live]);
    const list = new RecordList(SESSIONS, { status: "active" });
    await list.reload();
    list.tell(at(2, { status: "created" }));
    expect(ids(list)).toEqual([live.sessionId]);
    list.tell({ ...live, status: "ended", timeline: [entry("ended")] });
    expect(ids(list)).toEqual([]);
  });

  it("does not go back to what an older event tells", async () => {
    const known = at(1, { status: "active", timeline: [entry("agent_joined")] });
    pages([known]);
    const list = new RecordList(SESSIONS, {});
    await list.reload();
    list.tell({ ...known, status: "created", timeline: [] });
    expect(list.items.value[0]?.status).toBe("active");
  });

  it("keeps what an event tells while an older page is on its way", async () => {
    const known = at(1, { status: "created" });
    let answer: (response: Response) => void = () => undefined;
    service.on("GET /sessions", () => new Promise((resolve) => (answer = resolve)));
    const list = new RecordList(SESSIONS, {});
    const loading = list.reload();
    await Promise.resolve();
    await Promise.resolve();

    const fresh = at(5);
    list.tell({ ...known, status: "ended", timeline: [entry("ended")] });
    list.tell(fresh);
    answer(json({ sessions: [known], nextCursor: null }));
    await loading;

    expect(ids(list)).toEqual([fresh.sessionId, known.sessionId]);
    expect(list.items.value[1]?.status).toBe("ended");
  });

  it("keeps what it has when a page fails, and carries on", async () => {
    const [a, b] = [at(2), at(1)];
    pages([a], [b]);
    const list = new RecordList(SESSIONS, {});
    await list.reload();
    service.down = true;
    await list.more();
    expect(list.error.value?.message).toContain("does not answer");
    expect(ids(list)).toEqual([a.sessionId]);

    service.down = false;
    await list.retry();
    expect(list.error.value).toBeNull();
    expect(ids(list)).toEqual([a.sessionId, b.sessionId]);
  });

  it("shows the service's own sentence", async () => {
    service.on("GET /sessions", () => refusal(400, "since must be a time.", "validation_failed"));
    const list = new RecordList(SESSIONS, {});
    await list.reload();
    expect(list.error.value?.message).toBe("since must be a time.");
  });

  it("takes the newer of two reads only", async () => {
    const answers: ((response: Response) => void)[] = [];
    service.on("GET /sessions", () => new Promise((resolve) => answers.push(resolve)));
    const list = new RecordList(SESSIONS, {});
    const [first, second] = [list.reload(), list.reload()];
    await new Promise((resolve) => setTimeout(resolve));
    const [old, current] = [at(1), at(2)];
    answers[1]?.(json({ sessions: [current], nextCursor: null }));
    await second;
    answers[0]?.(json({ sessions: [old], nextCursor: null }));
    await first;
    expect(ids(list)).toEqual([current.sessionId]);
  });
});

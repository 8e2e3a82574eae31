import { describe, expect, it } from "vitest";
import { isExact, withQuery } from "../src/api/client";
import type { DomainEvent } from "../src/api/types";
import { about } from "../src/live/concerns";
import { isNews } from "../src/live/live";
import { hashOf, placeOf } from "../src/router";
import { CALLS, SESSIONS } from "../src/state/kinds";
import { figures, median, MINUTES } from "../src/state/per_minute";
import { changes, lines } from "../src/ui/diff";
import { localOf, utcOf } from "../src/ui/filters";
import { seconds, timeOf } from "../src/ui/format";
import { inSight, movedTo, ROW_HEIGHT } from "../src/ui/rows";
import { call, entry, event, session } from "./records";

describe("addresses", () => {
  it.each(["a/b", "é ?&#", "+1510", "%", "<img>"])("keep %s", (id) => {
    const place = placeOf(hashOf(["calls", id], { from: id, none: "" }));
    expect(place).toEqual({ path: ["calls", id], query: { from: id } });
  });

  it("are read even if they are broken", () => {
    expect(placeOf("#/calls/%E0%A4%A").path).toEqual(["calls", "%E0%A4%A"]);
    expect(placeOf("").path).toEqual([]);
  });

  it("leave out what is blank", () => {
    expect(withQuery("/x", { a: " ", b: undefined, c: "+1 2" })).toBe("/x?c=%2B1+2");
  });
});

describe("numbers", () => {
  it("are exact until they have more digits than JavaScript's", () => {
    expect(isExact('{"a": 9007199254740992, "b": "12345678901234567891", "c": 1.5e300}')).toBe(true);
    expect(isExact('{"a": [9007199254740993]}')).toBe(false);
  });
});

describe("filters", () => {
  it("leave the calls that the service would", () => {
    const one = call({ from: "+15105550100", createdAt: "2026-11-27T12:00:00Z" });
    expect(CALLS.matches(one, {})).toBe(true);
    expect(CALLS.matches(one, { from: "+1 (510) 555-0100" })).toBe(true);
    expect(CALLS.matches(one, { to: "+15105550100" })).toBe(false);
    expect(CALLS.matches(one, { status: "ended" })).toBe(false);
    expect(CALLS.matches(one, { since: "2026-11-27T12:00:00Z" })).toBe(true);
    expect(CALLS.matches(one, { until: "2026-11-27T12:00:00Z" })).toBe(false);
    expect(SESSIONS.matches(session({ userIdentity: "Ann" }), { userIdentity: "ann" })).toBe(false);
  });

  it("search by a beginning as the service does", () => {
    const one = session({
      sessionId: "01890a5d-ac96-774b-bcce-b302099a8057", roomName: "support-7", roomSid: "RM_abc",
    });
    for (const q of ["support-", " support-7 ", "RM_", "user-4", "01890A5D", "01890a5d-ac", ""]) {
      expect([q, SESSIONS.matches(one, { q })]).toEqual([q, true]);
    }
    for (const q of ["Support-", "port-7", "support-71", "01890a5", "%"]) {
      expect([q, SESSIONS.matches(one, { q })]).toEqual([q, false]);
    }
    const rung = call({ from: "+4315880100", to: null, sipCallId: "SCL_1" });
    for (const q of ["+43", "0043 1", "43 1588", "(431)", "SCL_", "sip_+1510", "call-"]) {
      expect([q, CALLS.matches(rung, { q })]).toEqual([q, true]);
    }
    for (const q of ["+1510", "1510", "4316", "all-"]) {
      expect([q, CALLS.matches(rung, { q })]).toEqual([q, false]);
    }
  });

  it("show a time as the field takes it, and back", () => {
    const utc = "2026-11-27T12:34:00.000Z";
    expect(utcOf(localOf(utc))).toBe(utc);
    expect([localOf("x"), utcOf("")]).toEqual(["", ""]);
  });
});

describe("figures of the last hour", () => {
  const NOW = Date.UTC(2026, 10, 27, 12, 30, 30);
  const minutesAgo = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

  it("count each minute's, and forget what is older", () => {
    const sessions = [
      session({
        createdAt: minutesAgo(0),
        agentJoinedAt: minutesAgo(0),
        agentJoinSeconds: 2,
        timeline: [entry("agent_joined", "reconciler", minutesAgo(0))],
      }),
      session({ createdAt: minutesAgo(0), agentJoinedAt: minutesAgo(0), agentJoinSeconds: 1 }),
      session({ createdAt: minutesAgo(61), timeline: [entry("dispatch_failed", "api", minutesAgo(1))] }),
    ];
    const calls = [call({ status: "failed", createdAt: minutesAgo(2), endedAt: minutesAgo(1) })];

    const found = figures(sessions, calls, NOW);

    expect(found.minutes).toHaveLength(MINUTES);
    expect(found.minutes.at(-1)).toBe(Date.UTC(2026, 10, 27, 12, 30) / 1000);
    expect(found.sessions.at(-1)).toBe(2);
    expect(found.sessions.reduce((a, b) => a + b)).toBe(2);
    expect(found.calls.at(-3)).toBe(1);
    expect(found.failures.at(-2)).toBe(2);
    expect(found.repairs.at(-1)).toBe(1);
    expect(found.joinSeconds.at(-1)).toBe(1.5);
    expect(found.joinSeconds.at(-2)).toBeNull();
  });

  it("know a median", () => {
    expect([median([]), median([3, 1, 2]), median([4, 1])]).toEqual([null, 2, 2.5]);
  });
});

describe("differences", () => {
  it("name each path that changed", () => {
    const before = { name: "a", agentConfig: { prompt: "x", gone: 1, same: [1] } };
    const after = { name: "a", agentConfig: { prompt: "y", same: [1], fresh: null } };
    expect(changes(before, after)).toEqual([
      { path: "agentConfig.fresh", before: null, after: "null" },
      { path: "agentConfig.gone", before: "1", after: null },
      { path: "agentConfig.prompt", before: "x", after: "y" },
    ]);
  });

  it.each([
    ["a\nb\nc", "a\nc"],
    ["", "a"],
    ["a\nb", "b\na"],
    ["same", "same"],
  ])("of %j and %j can be undone", (before, after) => {
    const found = lines(before, after);
    const without = (is: string) =>
      found.filter((line) => line.is !== is).map((line) => line.text).join("\n");
    expect([without("added"), without("removed")]).toEqual([before, after]);
  });

  it("of very long texts are shown whole", () => {
    const long = Array.from({ length: 1000 }, (_, index) => index.toString()).join("\n");
    expect(lines(long, "x")).toHaveLength(1001);
  });
});

describe("what is told", () => {
  it("is news unless more is known", () => {
    const known = session({ timeline: [entry("agent_joined")] });
    expect(isNews(undefined, known)).toBe(true);
    expect(isNews(known, session())).toBe(false);
    expect(isNews(known, { ...known })).toBe(true);
  });

  it("is shown as people read it", () => {
    expect([seconds(null), seconds(1.26), seconds(75), seconds(3700)]).toEqual([
      "–", "1.3 s", "1 min 15 s", "1 h 1 min",
    ]);
    expect(timeOf("not a time")).toBe("not a time");
  });
});

describe("events that concern a view", () => {
  it("are those about its session or its call, of the types that it shows", () => {
    const of = (type: string, ids: Partial<DomainEvent>) => event(type, {}, ids) as DomainEvent;
    const ofSession = about(["s-1", null]);
    expect(ofSession(of("call.ended", { sessionId: "s-1", callId: "c-1" }))).toBe(true);
    expect(ofSession(of("call.ended", { sessionId: null, callId: "c-1" }))).toBe(false);
    expect(ofSession(of("agent.updated", { sessionId: null, callId: null }))).toBe(false);
    expect(about(["s-1", "c-1"])(of("call.ended", { callId: "c-1" }))).toBe(true);
    const usage = about(["s-1"], ["usage.ready"]);
    expect(usage(of("usage.ready", { sessionId: "s-1" }))).toBe(true);
    expect(usage(of("session.ended", { sessionId: "s-1" }))).toBe(false);
  });
});

describe("rows in sight", () => {
  it("are few, wherever a list of 100,000 is scrolled to", () => {
    for (const scrolled of [0, 5_000, 50_000 * ROW_HEIGHT, 100_000 * ROW_HEIGHT, 1e9]) {
      const { first, last } = inSight(scrolled, 800, 100_000);
      expect(last - first).toBeLessThan(60);
      expect(last).toBeLessThanOrEqual(100_000);
    }
    expect(inSight(0, 800, 3)).toEqual({ first: 0, last: 3 });
    expect(inSight(1e9, 800, 100_000)).toEqual({ first: 99_970, last: 100_000 });
    expect(inSight(-1e9, 800, 100_000)).toEqual({ first: 0, last: 30 });
  });

  it("are found again after others came or went before them", () => {
    const moved = (items: string[], index: number) => movedTo(["a", "b", "c"], items, (each) => each, index);
    expect(moved(["x", "y", "a", "b", "c"], 1)).toBe(3);
    expect(moved(["b", "c"], 2)).toBe(1);
    expect(moved(["a", "b", "c", "d"], 2)).toBe(2);
    expect(moved(["a", "b"], 2)).toBeNull();
    expect(moved([], 0)).toBeNull();
    expect(moved(["a"], 7)).toBeNull();
  });
});

import { describe, expect, it } from "vitest";
import type { TranscriptItem } from "../src/api/conversation";
import { turnAt, turnsOf } from "../src/state/turns";
import { clock, money } from "../src/ui/format";
import { peaks } from "../src/ui/peaks";
import { item } from "./records";

const BEGAN = Date.parse("2026-11-27T12:00:00.000Z");

function at(second: number, fields: Partial<TranscriptItem> = {}): TranscriptItem {
  return item({ createdAt: new Date(BEGAN + second * 1000).toISOString(), ...fields });
}

const placed = (items: TranscriptItem[]) =>
  turnsOf(items, "2026-11-27T12:00:00.000Z").map(({ from, to }) => [from, to]);

describe("turns", () => {
  it("begin at their time, and end when the next message begins", () => {
    expect(placed([at(1), at(4, { type: "function_call" }), at(5)])).toEqual([
      [1, 5],
      [4, null],
      [5, null],
    ]);
  });

  it("begin and end as the worker measured it", () => {
    const metrics = {
      started_speaking_at: BEGAN / 1000 + 2,
      stopped_speaking_at: BEGAN / 1000 + 3.5,
      e2e_latency: 0.8,
    };
    const [turn] = turnsOf([at(4, { metrics })], "2026-11-27T12:00:00.000Z");
    expect([turn?.from, turn?.to, turn?.latency]).toEqual([2, 3.5, 0.8]);
  });

  it("never begin before the recording, or before the one that they follow", () => {
    expect(placed([at(-3), at(5), at(4)])).toEqual([
      [0, 5],
      [5, 5],
      [5, null],
    ]);
  });

  it("have no place without a time, whatever a worker reports", () => {
    const strange = { started_speaking_at: "soon", e2e_latency: Number.NaN };
    const [turn] = turnsOf([item({ createdAt: null, metrics: strange })], "2026-11-27T12:00:00Z");
    expect([turn?.from, turn?.to, turn?.latency]).toEqual([null, null, null]);
    expect(placed([item({ createdAt: "not a time" })])).toEqual([[null, null]]);
  });

  it("are found by the time that is heard; tools are not heard", () => {
    const turns = turnsOf(
      [at(1), at(2, { type: "function_call" }), at(4)],
      "2026-11-27T12:00:00.000Z",
    );
    expect([0, 1, 3, 4, 99].map((time) => turnAt(turns, time))).toEqual([-1, 0, 0, 2, 2]);
  });
});

describe("peaks", () => {
  it("are the loudest of each part and all channels, compared with the loudest of all", () => {
    const left = Float32Array.from([0, 0.125, -0.25, 0]);
    const right = Float32Array.from([0, 0, 0, 0.5]);
    expect([...peaks([left, right], 2)]).toEqual([0.25, 1]);
  });

  it("of less audio than there are parts are still in range", () => {
    expect([...peaks([Float32Array.from([1])], 3)]).toEqual([1, 0, 0]);
    expect([...peaks([Float32Array.from([0, 0])], 2)]).toEqual([0, 0]);
  });
});

describe("times and amounts", () => {
  it("are shown as people read them", () => {
    expect([clock(0), clock(83.9), clock(3725), clock(-1)]).toEqual([
      "0:00",
      "1:23",
      "1:02:05",
      "0:00",
    ]);
    expect([money("0.01230000"), money("2.00000000"), money("7")]).toEqual(["0.0123", "2.00", "7"]);
  });
});

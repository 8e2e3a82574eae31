import { describe, expect, it } from "vitest";
import { heard, type Line, MOST_LINES, type Piece } from "../src/talk/transcript";
import { TurnMeter } from "../src/talk/turns";

function piece(changes: Partial<Piece> = {}): Piece {
  return { segment: "SG_1", who: "agent", text: "Hello", final: false, stream: 1, ...changes };
}

function all(...pieces: Piece[]): readonly Line[] {
  return pieces.reduce<readonly Line[]>(heard, []);
}

const texts = (lines: readonly Line[]) => lines.map((line) => line.text);

describe("the transcript", () => {
  it("shows a segment once while its stream grows", () => {
    const lines = all(piece({ text: "Hel" }), piece({ text: "Hello" }), piece({ final: true }));

    expect(texts(lines)).toEqual(["Hello"]);
    expect(lines[0]?.final).toBe(true);
  });

  it("replaces a guess of what the user said by a better one, and not by an older one", () => {
    const guess = piece({ who: "user", text: "I scream", stream: 1 });
    const better = piece({ who: "user", text: "Ice cream", stream: 2 });

    expect(texts(all(guess, better))).toEqual(["Ice cream"]);
    expect(texts(all(better, guess))).toEqual(["Ice cream"]);
  });

  it("keeps what is final", () => {
    const lines = all(piece({ text: "Yes.", final: true }), piece({ text: "Ye", stream: 9 }));

    expect(texts(lines)).toEqual(["Yes."]);
  });

  it("tells speakers apart who use the same id, and keeps the order in which they began", () => {
    const lines = all(piece({ who: "user", text: "A" }), piece({ text: "B" }), piece({
      who: "user", text: "A2",
    }));

    expect(lines.map(({ who, text }) => [who, text])).toEqual([["user", "A2"], ["agent", "B"]]);
  });

  it("begins no line for silence", () => {
    expect(all(piece({ text: " " }))).toEqual([]);
  });

  it("is bounded", () => {
    const many = Array.from({ length: MOST_LINES + 5 }, (_, index) =>
      piece({ segment: index.toString(), text: index.toString() }),
    );
    const lines = all(...many, piece({ segment: "long", text: "x".repeat(100_000) }));

    expect(lines).toHaveLength(MOST_LINES);
    expect(lines.at(-1)?.text).toHaveLength(10_000);
    expect(lines.at(-2)?.text).toBe((MOST_LINES + 4).toString());
  });
});

/** Levels every 50 ms: who is loud from when to when. */
function turns(
  { user = [], agent = [], noise = 0.001 }: {
    user?: [number, number][];
    agent?: [number, number][];
    noise?: number;
  },
  typed: number[] = [],
) {
  const meter = new TurnMeter();
  const during = (spans: [number, number][], at: number) =>
    spans.some(([from, to]) => at >= from && at < to);
  const found = [];
  for (let at = 0; at < 20_000; at += 50) {
    for (const each of typed) if (each > at - 50 && each <= at) meter.typed(each);
    const turn = meter.take(at, during(user, at) ? 0.2 : noise, during(agent, at) ? 0.2 : 0);
    if (turn !== null) found.push([turn.seconds, turn.by]);
  }
  return found;
}

describe("a turn's latency", () => {
  it("is from the user's last sound to the agent's first", () => {
    expect(turns({ user: [[1000, 3000]], agent: [[3750, 6000]] })).toEqual([[0.8, "voice"]]);
  });

  it("is measured once for an answer with pauses, and again for the next turn", () => {
    const agent: [number, number][] = [[2000, 2500], [2900, 3500], [9000, 9500]];

    expect(turns({ user: [[500, 1500], [7000, 8000]], agent })).toEqual([
      [0.55, "voice"],
      [1.05, "voice"],
    ]);
  });

  it("is from the end of what was said, not from a pause in it", () => {
    expect(turns({ user: [[500, 1000], [2000, 3000]], agent: [[4000, 5000]] })).toEqual([
      [1.05, "voice"],
    ]);
  });

  it("is not measured for a greeting, which answers nothing", () => {
    expect(turns({ agent: [[1000, 2000]] })).toEqual([]);
  });

  it("is not measured where the agent begins while the user still speaks", () => {
    expect(turns({ user: [[500, 6000]], agent: [[2000, 3000]] })).toEqual([]);
  });

  it("is measured from a message that was typed", () => {
    expect(turns({ agent: [[3000, 4000]] }, [2000])).toEqual([[1, "text"]]);
  });

  it("is measured from a message although the agent has only just finished", () => {
    expect(turns({ agent: [[1000, 2000], [2200, 3000]] }, [2050])).toEqual([[0.15, "text"]]);
    expect(turns({ agent: [[1000, 2000], [3000, 4000]] }, [1525])).toEqual([[1.475, "text"]]);
  });

  it("takes no sound in a pause of the answer for a turn", () => {
    const agent: [number, number][] = [[1000, 2000], [2500, 4000]];

    expect(turns({ user: [[2100, 2200]], agent })).toEqual([]);
  });

  it("takes the noise of a room for silence", () => {
    expect(turns({ user: [[12_000, 13_000]], agent: [[14_000, 15_000]], noise: 0.03 })).toEqual([
      [1.05, "voice"],
    ]);
  });
});

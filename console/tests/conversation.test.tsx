import { fireEvent, screen, waitFor, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Recording, TranscriptItem } from "../src/api/conversation";
import type { Session } from "../src/api/types";
import { close, open, XSS } from "./page";
import { call, event, item, recording, session, SIGNED_IN } from "./records";
import { FakeService, json } from "./service";

const decode = vi.fn();
let service: FakeService;
let known: Session;

beforeEach(() => {
  decode.mockReset().mockResolvedValue({
    numberOfChannels: 1,
    getChannelData: () => Float32Array.from([0, 1]),
  });
  vi.stubGlobal(
    "OfflineAudioContext",
    class {
      decodeAudioData = decode;
    },
  );
  known = session({ status: "ended" });
  service = new FakeService()
    .on("GET /console/session", () => json(SIGNED_IN))
    .on(`GET /sessions/${known.sessionId}`, () => json(known))
    .on(`GET /sessions/${known.sessionId}/recording`, () => new Response("audio"));
  usage({ models: [], cost: null });
  said([]);
  recorded([]);
});

afterEach(close);

function said(items: TranscriptItem[]): void {
  const answer = { sessionId: known.sessionId, callId: null, items, final: true };
  service.on(`GET /sessions/${known.sessionId}/transcript`, () => json(answer));
}

function recorded(recordings: Recording[]): void {
  service.on(`GET /sessions/${known.sessionId}/recordings`, () => json({ recordings }));
}

function usage(answer: unknown): void {
  service.on(`GET /sessions/${known.sessionId}/usage`, () => json(answer));
}

const show = () => open("sessions", known.sessionId);
const turns = async () => within(await screen.findByRole("list", { name: "Transcript" }));

/** The player after the browser has found out how long the audio is. */
async function player(duration = 60): Promise<HTMLAudioElement> {
  const audio = await screen.findByLabelText<HTMLAudioElement>("Recording");
  let time = 0;
  Object.defineProperties(audio, {
    duration: { value: duration },
    paused: { value: false },
    currentTime: { get: () => time, set: (value: number) => (time = value) },
  });
  fireEvent.loadedMetadata(audio);
  return audio;
}

describe("a session's page", () => {
  it("shows what was said, what tools did, and who was interrupted", async () => {
    said([
      item({ createdAt: "2026-11-27T12:00:05.000Z" }),
      item({ type: "function_call", role: null, text: null, name: "look_up", arguments: `{"order":7}` }),
      item({ type: "function_call_output", role: null, text: null, name: "look_up", output: "gone", isError: true }),
      item({ role: "assistant", text: "I am sorry.", interrupted: true, metrics: { e2e_latency: 0.81 } }),
      item({ type: "agent_handoff", role: null, text: null, extra: { new_agent_id: "billing" } }),
    ]);
    await show();

    const rows = (await turns()).getAllByRole("listitem").map((row) => row.textContent);
    expect(rows).toEqual([
      "0:05User Where is my order? ",
      `0:05Tool call look_up {"order":7}`,
      "0:05Tool error look_up gone",
      "0:05Agent I am sorry. interrupted answered after 0.8 s",
      `0:05agent handoff  {"new_agent_id":"billing"}`,
    ]);
    expect(screen.getByText(/median 0\.8 s, longest 0\.8 s of 1/)).toBeTruthy();
  });

  it("shows the transcript once a worker has reported it", async () => {
    await show();
    expect(await screen.findByText(/There is no transcript yet/)).toBeTruthy();
    expect(screen.getAllByText(/LIVEKIT_OBSERVABILITY_URL/).length).toBeGreaterThan(0);
    await screen.findByText("Live");

    said([item({ text: "Hello?" })]);
    const data = { sessionId: known.sessionId, items: 1 };
    service.stream.send(event("transcript.ready", data, { sessionId: known.sessionId }));

    expect((await turns()).getByText("Hello?")).toBeTruthy();
  });

  it("shows no transcript to a key that may not read it", async () => {
    service.on("GET /console/session", () => json({ ...SIGNED_IN, scopes: ["sessions:write"] }));
    await show();
    await screen.findByText(/There is no recording/);
    expect(screen.queryByRole("heading", { name: "Transcript" })).toBeNull();
    expect(service.requests(`GET /sessions/${known.sessionId}/transcript`)).toHaveLength(0);
  });

  it("shows usage and cost, and which model has no price", async () => {
    const model = {
      type: "llm", provider: "openai", model: "gpt-4o-mini", inputTokens: 1200,
      cachedInputTokens: 200, outputTokens: 80, characters: 0, requests: 3, audioSeconds: 0,
      sessionSeconds: 0,
    };
    const cost = {
      amountMinor: 1, amount: "0.01230000", currency: "USD", priceTable: "ours",
      incomplete: true, unpriced: ["deepgram/nova"],
    };
    usage({ models: [model], cost });
    await show();
    expect(await screen.findByText("0.0123 USD")).toBeTruthy();
    expect(screen.getByText(/without deepgram\/nova/)).toBeTruthy();
    const row = screen.getByRole("row", { name: /openai\/gpt-4o-mini/ });
    expect(row.textContent).toContain("1,200 200 cached");
  });

  it("draws few of 100,000 turns at first", async () => {
    const answer = { role: "assistant", metrics: { e2e_latency: 1 } };
    said(Array.from({ length: 100_000 }, () => item(answer)));
    await show();
    const more = await screen.findByText("Show more of the 99,000 that follow");
    expect(document.querySelectorAll(".turn")).toHaveLength(1000);
    fireEvent.click(more);
    await waitFor(() => {
      expect(document.querySelectorAll(".turn")).toHaveLength(2000);
    });
    expect(document.querySelectorAll(".bars button")).toHaveLength(500);
  });

  it("shows what strangers and models said as text", async () => {
    said([
      item({ text: XSS }),
      item({ type: XSS, role: XSS, extra: { [XSS]: XSS } }),
      item({ type: "function_call", name: XSS, arguments: XSS }),
      item({ type: "function_call_output", name: XSS, output: XSS.repeat(20) }),
    ]);
    recorded([recording({ status: "failed", error: XSS })]);
    await show();
    expect((await turns()).getAllByText(XSS).length).toBeGreaterThan(2);
    expect(screen.getByRole("main").querySelector("img, script")).toBeNull();
    expect(globalThis).not.toHaveProperty("hacked");
  });
});

describe("a recording", () => {
  it("that is not kept says what to do", async () => {
    await show();
    expect(await screen.findByText("RECORDINGS_URL")).toBeTruthy();
  });

  it("that was refused says so", async () => {
    known.agentConfig = { record: false };
    await show();
    expect(await screen.findByText("record: false")).toBeTruthy();
  });

  it.each([
    [{ status: "failed", error: "No egress." }, /has failed: No egress\./],
    [{ missingAt: "2026-11-27T12:00:00.000Z" }, /did not have the audio/],
    [{ status: "active" }, /is being recorded/],
  ] as [Partial<Recording>, RegExp][])("that cannot be played says why: %j", async (fields, why) => {
    recorded([recording(fields)]);
    await show();
    expect(await screen.findByText(why)).toBeTruthy();
    expect(screen.queryByLabelText("Recording")).toBeNull();
  });

  it("is played from the service itself, and the turn that is heard is marked", async () => {
    const kept = recording();
    recorded([kept]);
    said([
      item({ createdAt: "2026-11-27T12:00:05.000Z" }),
      item({ role: "assistant", text: "Tomorrow.", createdAt: "2026-11-27T12:00:09.000Z" }),
    ]);
    await show();
    await turns();
    const audio = await player();
    expect(audio.getAttribute("src")).toBe(
      `/sessions/${known.sessionId}/recording?recordingId=${kept.recordingId}`,
    );

    // The recording began a second after the session.
    fireEvent.click(await screen.findByRole("button", { name: "Go to 0:08" }));
    expect(audio.currentTime).toBe(8);
    fireEvent.timeUpdate(audio);
    await waitFor(async () => {
      const rows = (await turns()).getAllByRole("listitem");
      expect(rows.map((row) => row.getAttribute("aria-current"))).toEqual([null, "true"]);
    });
  });

  it("is moved by the keyboard, within its length", async () => {
    recorded([recording()]);
    await show();
    const audio = await player(7);
    const slider = await screen.findByRole("slider", { name: "Position in the recording" });
    const times = ["ArrowRight", "ArrowRight", "ArrowLeft", "Home", "End"].map((key) => {
      fireEvent.keyDown(slider, { key });
      return audio.currentTime;
    });
    expect(times).toEqual([5, 7, 2, 0, 7]);
    await waitFor(() => {
      expect(slider.getAttribute("aria-valuetext")).toBe("0:07 of 0:07");
    });
  });

  it("is decoded for its waveform once it is in sight", async () => {
    recorded([recording()]);
    await show();
    expect(decode).not.toHaveBeenCalled();
    await player();
    await waitFor(() => {
      expect(decode).toHaveBeenCalledTimes(1);
    });
  });

  it.each([
    ["bytes", { sizeBytes: 31 * 1024 * 1024 }, 60],
    ["minutes", {}, 21 * 60],
  ])("of many %s is not decoded", async (_, fields, duration) => {
    recorded([recording(fields)]);
    await show();
    await player(duration);
    expect(await screen.findByText(/too long for a waveform/)).toBeTruthy();
    expect(service.requests(`GET /sessions/${known.sessionId}/recording`)).toHaveLength(0);
  });

  it("that the browser cannot decode is still played", async () => {
    decode.mockRejectedValue(new DOMException("no", "EncodingError"));
    recorded([recording()]);
    await show();
    await player();
    expect(await screen.findByText(/its waveform cannot be drawn/)).toBeTruthy();
  });

  it("appears when it is ready; of several one is chosen", async () => {
    const [newest, older] = [recording({ source: "egress" }), recording()];
    await show();
    await screen.findByText(/There is no recording/);
    await screen.findByText("Live");
    recorded([newest, older]);
    service.stream.send(event("recording.ready", newest, { sessionId: known.sessionId }));

    const field = await screen.findByLabelText("Which recording");
    fireEvent.change(field, { target: { value: older.recordingId } });
    await waitFor(() => {
      expect(screen.getByLabelText("Recording").getAttribute("src")).toContain(older.recordingId);
    });
  });
});

describe("a call's page", () => {
  it("shows the call's own part of the transcript", async () => {
    const ring = call({ sessionId: known.sessionId });
    const path = `GET /telephony/calls/${ring.callId}`;
    service
      .on(path, () => json(ring))
      .on(`${path}/usage`, () => json({ models: [], cost: null }))
      .on(`${path}/transcript`, () =>
        json({ sessionId: known.sessionId, callId: ring.callId, items: [item()], final: true }),
      );
    await open("calls", ring.callId);
    expect((await turns()).getByText("Where is my order?")).toBeTruthy();
  });
});

import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../src/app";
import { announce, stream } from "../src/live/live";
import { hashOf, place, placeOf } from "../src/router";
import { resume, signIn } from "../src/state/session";
import { FakeAudioContext, FakeRoom } from "./livekit";
import { call, entry, event, session, SIGNED_IN } from "./records";
import { FakeService, json, refusal } from "./service";

const XSS = `"><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>`;
const STARTED = {
  userToken: "token",
  roomName: "room-1",
  livekitUrl: "ws://livekit",
  sessionId: "s-1",
  agentStatus: "expected",
};
const PHONE = {
  roomName: "call-_+1510_1",
  participantIdentity: "sip_+1510",
  participantToken: "token",
  livekitUrl: "ws://livekit",
};

vi.mock("uplot", () => ({ default: vi.fn() }));
vi.mock("livekit-client", async () => {
  const { FakeRoom: Room } = await import("./livekit");
  const names = (kind: object) => new Proxy(kind, { get: (_, name) => name });
  return {
    Room,
    RoomEvent: names({}),
    Track: { Source: names({}) },
    DisconnectReason: { 5: "ROOM_DELETED" },
  };
});
vi.stubGlobal("AudioContext", FakeAudioContext);
vi.stubGlobal("MediaStream", vi.fn());

const SCHEMAS = {
  StartSessionRequest: {
    type: "object",
    properties: {
      agentConfig: { type: "object", properties: { tts: { type: "string" } } },
    },
  },
};

let service: FakeService;
const microphone = { stop: vi.fn() };
const getUserMedia = vi.fn();

beforeEach(async () => {
  FakeRoom.reset();
  getUserMedia.mockResolvedValue({ getAudioTracks: () => [microphone] });
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
  Element.prototype.scrollIntoView = vi.fn();
  service = new FakeService()
    .on("GET /console/session", () => json({ ...SIGNED_IN, scopes: ["admin"] }))
    .on("GET /agents", () => json({ agents: [], nextCursor: null }))
    .on("GET /docs/openapi.json", () => json({ components: { schemas: SCHEMAS } }))
    .on("GET /phone-numbers", () => json({ phoneNumbers: [], nextCursor: null }))
    .on("GET /", () => json({ routes: { "POST /telephony/simulated-calls": "…" } }))
    .on("GET /sessions/s-1", () => json(session({ sessionId: "s-1", roomName: "room-1" })))
    .on("POST /session", () => json(STARTED))
    .on("POST /session/end", () => json(null, 204));
  await open("try");
});

afterEach(() => {
  cleanup();
  stream.stop();
  signIn.value = { is: "asking" };
  vi.unstubAllGlobals();
  vi.stubGlobal("AudioContext", FakeAudioContext);
  vi.stubGlobal("MediaStream", vi.fn());
});

async function open(...path: string[]): Promise<void> {
  cleanup();
  history.replaceState(null, "", hashOf(path));
  place.value = placeOf(location.hash);
  render(<App />);
  await resume();
}

const press = async (name: string) => {
  fireEvent.click(await screen.findByRole("button", { name }));
};
const see = (text: string | RegExp) => screen.findByText(text);

async function talk(): Promise<FakeRoom> {
  await press("Talk");
  await see(/Waiting for the agent|The agent is/);
  return FakeRoom.last;
}

describe("talking to an agent", () => {
  it("shows its state and what is said, as text, and opens the session's page at the end", async () => {
    const room = await talk();
    expect(service.requests("POST /session")[0]?.headers.get("x-console")).toBe("1");
    expect(room.connected).toEqual(["ws://livekit", "token"]);
    expect(room.localParticipant.published).toEqual([microphone]);

    room.join("agent-1", { "lk.agent.state": "listening" });
    await see("The agent is listening.");
    await room.say("agent-1", ["Hello ", XSS]);
    await see(`Hello ${XSS}`);
    expect(document.querySelector("main img, main script")).toBeNull();
    await room.say("me", ["Good morning"]);
    expect((await see("Good morning")).closest("li")?.textContent).toContain("You");

    await press("End");
    await waitFor(() => {
      expect(location.hash).toBe("#/sessions/s-1");
    });
    expect(service.requests("POST /session/end")[0]?.body).toEqual({ roomName: "room-1" });
    expect(room.left).toBe(true);
    expect(microphone.stop).toHaveBeenCalled();
  });

  it("mutes the microphone, and sends what is typed", async () => {
    const room = await talk();
    await press("Mute");
    await waitFor(() => {
      expect(room.localParticipant.isMuted).toBe(true);
    });
    await press("Unmute");
    fireEvent.input(screen.getByLabelText("Type to the agent"), { target: { value: "ping" } });
    await press("Send");

    await see("ping");
    expect(room.localParticipant.isMuted).toBe(false);
    expect(room.localParticipant.sent).toEqual([["ping", "lk.chat"]]);
  });

  it.each([
    ["NotAllowedError", /may not use the microphone/],
    ["NotFoundError", /no microphone/],
    ["NotReadableError", /Another program/],
  ])("says what to do about %s before anything begins, and goes on without it", async (name, text) => {
    getUserMedia.mockRejectedValue(new DOMException("no", name));
    await press("Talk");
    await see(text);
    expect(service.requests("POST /session")).toEqual([]);

    await press("Go on without a microphone");
    await see(/Waiting for the agent/);
    expect(FakeRoom.last.localParticipant.published).toEqual([]);
  });

  it("says that a page without TLS gets no microphone", async () => {
    vi.stubGlobal("navigator", {});
    await press("Talk");
    await see(/https:/);
  });

  it("shows what the service refuses", async () => {
    service.on("POST /session", () => refusal(400, "agentConfig.tts must be a string."));
    await press("Talk");
    await see("agentConfig.tts must be a string.");
    expect(microphone.stop).toHaveBeenCalled();
  });

  it("sends a changed configuration, and shows at its field what the service refuses", async () => {
    service.on("POST /session", () =>
      json({ error: "agentConfig.tts must be a voice.", code: "x", field: "agentConfig.tts" }, 400),
    );
    const field = await screen.findByLabelText(/TTS/);
    fireEvent.input(field, { target: { value: "loud" } });
    await press("Talk");
    await see("agentConfig.tts must be a voice.");
    expect(service.requests("POST /session")[0]?.body).toMatchObject({
      agentConfig: { tts: "loud" },
    });
    const refused = await screen.findByLabelText<HTMLInputElement>(/TTS/);
    expect(refused.getAttribute("aria-invalid")).toBe("true");
    expect(refused.value).toBe("loud");
  });

  it("says that LiveKit is out of reach, and leaves no agent waiting there", async () => {
    FakeRoom.refuses = new Error("could not establish signal connection");
    await press("Talk");
    await see(/ws:\/\/livekit .*could not establish/);
    await waitFor(() => {
      expect(service.requests("POST /session/end")).toHaveLength(1);
    });
  });

  it("says why it is over, and offers the session's page", async () => {
    const room = await talk();
    room.emit("Reconnecting");
    await see(/Connecting again/);
    room.emit("Reconnected");
    room.emit("Disconnected", 5);
    await see(/session was ended/);
    expect(screen.getByText("Open the session").getAttribute("href")).toBe("#/sessions/s-1");
  });

  it("says that no worker takes the job, once the ledger knows it", async () => {
    await talk();
    await see("room-1");
    const timeline = [entry("agent_dispatched"), entry("agent_never_joined")];
    announce(event("session.failed", session({ sessionId: "s-1", timeline })));
    await see(/No worker takes the jobs of/);
  });

  it("leaves the room with the view", async () => {
    const room = await talk();
    location.hash = "#/health";
    await waitFor(() => {
      expect(room.left).toBe(true);
    });
  });

  it("dispatches a worker by its name with a ticket", async () => {
    service
      .on("POST /livekit/tickets", () => json({ ticket: "tk_1" }, 201))
      .on("POST /livekit/token", () =>
        json({ server_url: "ws://livekit", participant_token: "t" }, 201),
      );
    service.on("GET /sessions/s-1", () => json(session({ sessionId: "s-1" })));
    fireEvent.change(screen.getByLabelText("Agent"), { target: { value: "worker" } });
    fireEvent.input(screen.getByLabelText("Worker's name"), { target: { value: "mine" } });
    await press("Talk");
    await waitFor(() => {
      expect(service.requests("POST /livekit/tickets")[0]?.body).toMatchObject({
        agentName: "mine",
      });
      expect(service.requests("POST /livekit/token")[0]?.headers.get("authorization")).toBe(
        "Bearer tk_1",
      );
    });
  });
});

describe("playing the caller of a call", () => {
  beforeEach(async () => {
    service.on("POST /telephony/simulated-calls", () => json(PHONE, 201));
    await open("try", "phone");
  });

  it("rings, is answered when the agent is heard, and ends, as the ledger knows it", async () => {
    await press("Call");
    await see("The ledger does not know the call yet.");
    await waitFor(() => {
      expect(service.asked.some(({ url }) => url.pathname.includes("/by-room/"))).toBe(true);
    });
    const known = { callId: "c-1", roomName: PHONE.roomName, participantIdentity: "sip_+1510" };
    announce(event("call.ringing", call({ ...known, status: "ringing" })));
    await see("ringing");
    FakeRoom.last.join("agent-1", {});
    FakeRoom.last.publish("agent-1");
    await waitFor(() => {
      expect(FakeRoom.last.localParticipant.attributes).toEqual({ "sip.callStatus": "active" });
    });
    announce(event("call.answered", call({ ...known, status: "active" })));
    await see("active");

    await press("Hang up");
    announce(event("call.ended", call({ ...known, status: "ended" })));
    await see("ended");
    expect(FakeRoom.last.left).toBe(true);
    expect(screen.getByText("Open the call's page").getAttribute("href")).toBe("#/calls/c-1");
  });

  it("shows no other call", async () => {
    await press("Call");
    await see("The ledger does not know the call yet.");
    announce(event("call.ringing", call({ callId: "c-2", roomName: "another" })));
    await see("The ledger does not know the call yet.");
  });

  it("says that telephony is off", async () => {
    service.on("POST /telephony/simulated-calls", () =>
      refusal(409, "Telephony is off: start the service with TELEPHONY_ENABLED=true."),
    );
    await press("Call");
    await see(/TELEPHONY_ENABLED=true/);
  });

  it("is not offered where there is no such route", async () => {
    service.on("GET /", () => json({ routes: {} }));
    await open("try", "phone");
    await see(/development servers only/);
    expect(screen.queryByRole("button", { name: "Call" })).toBeNull();
  });
});

/** A person at this browser in a LiveKit room with an agent. */

import { signal } from "@preact/signals";
import type * as LiveKit from "livekit-client";
import { Level } from "./level";
import { type Line, heard } from "./transcript";
import { type Turn, TurnMeter } from "./turns";

export type Phase =
  | { is: "connecting" }
  | { is: "connected" }
  | { is: "reconnecting" }
  | { is: "failed"; reason: string }
  | { is: "over"; reason: string };

const STATE = "lk.agent.state";
const TRANSCRIPTION = "lk.transcription";
const CHAT = "lk.chat";
const EVERY = 50;

export class Conversation {
  readonly phase = signal<Phase>({ is: "connecting" });
  /** The agent's state as it reports it; null while there is no agent. */
  readonly agent = signal<string | null>(null);
  readonly userLevel = signal(0);
  readonly agentLevel = signal(0);
  readonly muted = signal(false);
  /** Whether the browser plays no sound until a button is pressed. */
  readonly silenced = signal(false);
  readonly lines = signal<readonly Line[]>([]);
  readonly turns = signal<readonly Turn[]>([]);
  /** Called once when the agent's audio is there. */
  onHeard: () => Promise<void> = () => Promise.resolve();

  private room: LiveKit.Room | null = null;
  private typed = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  private readonly meter = new TurnMeter();
  private readonly context = new AudioContext();
  private readonly levels = new Map<MediaStreamTrack, Level>();
  private readonly playing = new Set<HTMLMediaElement>();

  /** Without a `microphone` the person can listen, and type. */
  constructor(private readonly microphone: MediaStreamTrack | null) {
    if (microphone !== null) this.levels.set(microphone, new Level(this.context, microphone));
    this.timer = setInterval(() => {
      this.measure();
    }, EVERY);
  }

  get isOver(): boolean {
    return this.phase.value.is === "over" || this.phase.value.is === "failed";
  }

  async join(url: string, token: string): Promise<void> {
    try {
      // Its 157 KB (gzip) are loaded for the first conversation.
      const client = await import("livekit-client");
      if (this.isOver) return;
      const room = new client.Room();
      this.room = room;
      this.listen(room, client);
      await room.connect(url, token);
      if (this.isOver) return;
      this.phase.value = { is: "connected" };
      for (const participant of room.remoteParticipants.values()) this.seen(participant);
      if (this.microphone !== null) {
        await room.localParticipant.publishTrack(this.microphone, {
          source: client.Track.Source.Microphone,
        });
      }
    } catch (error) {
      this.stop({ is: "failed", reason: unreachable(url, error as Error) });
    }
  }

  async mute(muted: boolean): Promise<void> {
    this.muted.value = muted;
    const [publication] = this.room?.localParticipant.audioTrackPublications.values() ?? [];
    await (muted ? publication?.mute() : publication?.unmute());
  }

  async type(text: string): Promise<void> {
    if (this.room === null) return;
    this.typed += 1;
    const segment = `typed ${this.typed.toString()}`;
    const now = Date.now();
    this.lines.value = heard(this.lines.value, {
      segment, who: "user", text, final: true, stream: now,
    });
    this.meter.typed(performance.now());
    await this.room.localParticipant.sendText(text, { topic: CHAT });
  }

  /** Set attributes of this participant, where its token permits that. */
  async describe(attributes: Record<string, string>): Promise<void> {
    await this.room?.localParticipant.setAttributes(attributes);
  }

  async unsilence(): Promise<void> {
    await Promise.all([this.room?.startAudio(), this.context.resume()]);
  }

  leave(): void {
    this.stop({ is: "over", reason: "You have left." });
  }

  private listen(room: LiveKit.Room, client: typeof LiveKit): void {
    const { RoomEvent } = client;
    room
      .on(RoomEvent.ParticipantConnected, this.seen)
      .on(RoomEvent.ParticipantDisconnected, (participant) => {
        if (isAgent(participant)) this.agent.value = null;
      })
      .on(RoomEvent.ParticipantAttributesChanged, (_, participant) => {
        this.seen(participant);
      })
      .on(RoomEvent.TrackSubscribed, (track, _, participant) => {
        this.hear(track, participant);
      })
      .on(RoomEvent.TrackUnsubscribed, (track) => {
        this.unhear(track);
      })
      .on(RoomEvent.AudioPlaybackStatusChanged, () => {
        this.silenced.value = !room.canPlaybackAudio;
      })
      .on(RoomEvent.Reconnecting, () => {
        this.phase.value = { is: "reconnecting" };
      })
      .on(RoomEvent.Reconnected, () => {
        this.phase.value = { is: "connected" };
      })
      .on(RoomEvent.Disconnected, (code) => {
        if (this.phase.value.is === "connecting") return; // `connect` raises why
        const name = code === undefined ? "" : (client.DisconnectReason[code] ?? "");
        this.stop({ is: "over", reason: REASONS[name] ?? LOST });
      });
    room.registerTextStreamHandler(TRANSCRIPTION, (reader, { identity }) => {
      const who = identity === room.localParticipant.identity ? "user" : "agent";
      // A stream whose sender vanishes ends in the middle; what came is shown.
      void this.read(reader, who).catch(() => undefined);
    });
  }

  private readonly seen = (participant: LiveKit.Participant): void => {
    if (isAgent(participant)) this.agent.value = participant.attributes[STATE] ?? "joined";
  };

  private hear(track: LiveKit.RemoteTrack, participant: LiveKit.RemoteParticipant): void {
    if (track.kind !== "audio") return;
    this.playing.add(track.attach());
    if (!isAgent(participant)) return;
    this.levels.set(track.mediaStreamTrack, new Level(this.context, track.mediaStreamTrack));
    // The connection may break meanwhile; the phase then says so.
    void this.onHeard().catch(() => undefined);
    this.onHeard = () => Promise.resolve();
  }

  private unhear(track: LiveKit.RemoteTrack): void {
    for (const element of track.detach()) this.playing.delete(element);
    this.levels.get(track.mediaStreamTrack)?.stop();
    this.levels.delete(track.mediaStreamTrack);
  }

  private async read(reader: LiveKit.TextStreamReader, who: Line["who"]): Promise<void> {
    const segment = () => reader.info.attributes?.["lk.segment_id"] ?? reader.info.id;
    const take = (text: string, final: boolean) => {
      const piece = { segment: segment(), who, text, final, stream: reader.info.timestamp };
      this.lines.value = heard(this.lines.value, piece);
    };
    let text = "";
    for await (const part of reader) {
      text += part;
      take(text, false);
    }
    take(text, reader.info.attributes?.["lk.transcription_final"] !== "false");
  }

  private measure(): void {
    let [user, agent] = [0, 0];
    for (const [track, level] of this.levels) {
      if (track !== this.microphone) agent = Math.max(agent, level.read());
      else if (!this.muted.value) user = level.read();
    }
    this.userLevel.value = user;
    this.agentLevel.value = agent;
    const turn = this.meter.take(performance.now(), user, agent);
    if (turn !== null) this.turns.value = [...this.turns.value, turn];
  }

  private stop(phase: Phase): void {
    if (this.isOver) return;
    this.phase.value = phase;
    clearInterval(this.timer);
    this.agent.value = null;
    this.userLevel.value = this.agentLevel.value = 0;
    this.microphone?.stop();
    for (const element of this.playing) element.remove();
    void this.room?.disconnect();
    void this.context.close();
  }
}

/** `ParticipantKind.AGENT`: that enumeration is in the part that is loaded later. */
function isAgent(participant: LiveKit.Participant): boolean {
  return participant.isAgent;
}

const LOST = "The connection to LiveKit was lost.";
const REASONS: Record<string, string> = {
  CLIENT_INITIATED: "You have left.",
  DUPLICATE_IDENTITY: "Another participant joined with the same identity.",
  PARTICIPANT_REMOVED: "You were removed from the room.",
  ROOM_CLOSED: "The room was closed.",
  ROOM_DELETED: "The session was ended, and its room closed.",
  SERVER_SHUTDOWN: "LiveKit is shutting down.",
};

function unreachable(url: string, error: Error): string {
  return (
    `This browser cannot talk by LiveKit at ${url} (${error.message}). Check that the server runs, ` +
    "that LIVEKIT_PUBLIC_URL is its address for browsers, and that it is no simulator, which has no audio."
  );
}

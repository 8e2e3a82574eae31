/** What tests need of livekit-client and of the browser's audio. */

interface Participant {
  identity: string;
  isAgent: boolean;
  attributes: Record<string, string>;
}

type TextHandler = (reader: unknown, sender: { identity: string }) => void;

class FakeLocalParticipant {
  readonly identity = "me";
  readonly published: unknown[] = [];
  readonly sent: [string, string][] = [];
  attributes: Record<string, string> = {};
  isMuted = false;
  readonly audioTrackPublications = new Map([
    [
      "microphone",
      {
        mute: () => Promise.resolve((this.isMuted = true)),
        unmute: () => Promise.resolve((this.isMuted = false)),
      },
    ],
  ]);

  publishTrack(track: unknown): Promise<void> {
    this.published.push(track);
    return Promise.resolve();
  }

  sendText(text: string, { topic }: { topic: string }): Promise<void> {
    this.sent.push([text, topic]);
    return Promise.resolve();
  }

  setAttributes(attributes: Record<string, string>): Promise<void> {
    this.attributes = { ...this.attributes, ...attributes };
    return Promise.resolve();
  }
}

export class FakeRoom {
  static rooms: FakeRoom[] = [];
  static refuses: Error | null = null;

  static reset(): void {
    FakeRoom.rooms = [];
    FakeRoom.refuses = null;
  }

  static get last(): FakeRoom {
    const last = FakeRoom.rooms.at(-1);
    if (last === undefined) throw new Error("no room was joined");
    return last;
  }

  readonly localParticipant = new FakeLocalParticipant();
  readonly remoteParticipants = new Map<string, Participant>();
  readonly canPlaybackAudio = true;
  connected: string[] = [];
  left = false;
  private readonly handlers = new Map<string, (...given: unknown[]) => void>();
  private text: TextHandler = () => undefined;
  private streams = 0;

  constructor() {
    FakeRoom.rooms.push(this);
  }

  on(name: string, handler: (...given: unknown[]) => void): this {
    this.handlers.set(name, handler);
    return this;
  }

  emit(name: string, ...given: unknown[]): void {
    this.handlers.get(name)?.(...given);
  }

  registerTextStreamHandler(_topic: string, handler: TextHandler): void {
    this.text = handler;
  }

  connect(url: string, token: string): Promise<void> {
    this.connected = [url, token];
    return FakeRoom.refuses === null ? Promise.resolve() : Promise.reject(FakeRoom.refuses);
  }

  disconnect(): Promise<void> {
    this.left = true;
    return Promise.resolve();
  }

  join(identity: string, attributes: Record<string, string>): void {
    const agent = { identity, isAgent: true, attributes };
    this.remoteParticipants.set(identity, agent);
    this.emit("ParticipantConnected", agent);
  }

  publish(identity: string): void {
    const track = {
      kind: "audio",
      mediaStreamTrack: {},
      attach: () => document.createElement("audio"),
      detach: () => [],
    };
    this.emit("TrackSubscribed", track, {}, this.remoteParticipants.get(identity));
  }

  /** Bring a text stream of these parts. */
  say(identity: string, parts: string[]): Promise<void> {
    this.streams += 1;
    const info = {
      id: this.streams.toString(),
      timestamp: this.streams,
      attributes: { "lk.segment_id": `SG_${this.streams.toString()}` },
    };
    const reader = {
      info,
      async *[Symbol.asyncIterator]() {
        for (const part of parts) yield await Promise.resolve(part);
      },
    };
    this.text(reader, { identity });
    return Promise.resolve();
  }
}

export class FakeAudioContext {
  createAnalyser() {
    return { fftSize: 0, getFloatTimeDomainData: () => undefined };
  }

  createMediaStreamSource() {
    return { connect: () => undefined, disconnect: () => undefined };
  }

  resume(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Where a recording's playback is, for all that follows it. */

import { computed, signal } from "@preact/signals";
import { type Turn, turnAt } from "./turns";

export class Playback {
  readonly turns = signal<readonly Turn[]>([]);
  /** Seconds since the recording's beginning. */
  readonly time = signal(0);
  readonly duration = signal(0);
  readonly playing = signal(false);
  /** Whether there is audio to seek in. */
  readonly ready = computed(() => this.duration.value > 0);
  /** The index of the turn that is heard; −1 while nothing was played. */
  readonly current = computed(() =>
    this.playing.value || this.time.value > 0 ? turnAt(this.turns.value, this.time.value) : -1,
  );
  private audio: HTMLAudioElement | null = null;

  /** Follow `audio`, or nothing. */
  attach(audio: HTMLAudioElement | null): void {
    this.audio = audio;
    if (audio === null) this.reset();
  }

  /** Take what the element says of itself; `fallback` is the duration that was reported. */
  look(fallback: number | null): void {
    const { audio } = this;
    if (audio === null) return;
    this.time.value = audio.currentTime;
    this.playing.value = !audio.paused && !audio.ended;
    this.duration.value = Number.isFinite(audio.duration) ? audio.duration : (fallback ?? 0);
  }

  seek(seconds: number): void {
    if (this.audio === null || !this.ready.value) return;
    const to = Math.min(Math.max(0, seconds), this.duration.value);
    this.audio.currentTime = to;
    this.time.value = to;
  }

  private reset(): void {
    this.time.value = 0;
    this.duration.value = 0;
    this.playing.value = false;
  }
}

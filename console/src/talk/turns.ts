/**
 * How long the agent takes to answer, as the person at the browser hears it.
 *
 * A turn's latency is the time from the last moment at which the microphone was loud (or from a
 * typed message) to the first moment at which the agent's audio is. So it includes the network, the
 * agent's detection of the turn's end, its models, and the browser's buffers.
 */

export interface Turn {
  /** Milliseconds since 1970, of the agent's first sound. */
  at: number;
  seconds: number;
  by: "voice" | "text";
}

/** The agent's pauses within an answer are shorter. */
const PAUSE = 700;
/** An answer that comes sooner has interrupted the user, whose turn had no end. */
const SOONEST = 150;
/** An answer that comes later is none. */
const LATEST = 60_000;
const LOUD = 0.01;
const ABOVE_NOISE = 3;
/** How much of a louder level counts as noise from then on, at each of 20 looks a second. */
const RISE = 0.002;

export class TurnMeter {
  private noise = LOUD / ABOVE_NOISE;
  private ended: { at: number; by: Turn["by"] } | null = null;
  /** The agent's latest silence: its first and its last look. */
  private silence = { from: -Infinity, to: -Infinity };
  private isLoud = false;

  /** The user sent a text. */
  typed(at: number): void {
    this.ended = { at, by: "text" };
  }

  /** Take both levels (0 to 1) at a moment; return the turn if the agent begins to answer it. */
  take(at: number, user: number, agent: number): Turn | null {
    if (this.isSpeech(user)) this.ended = { at, by: "voice" };
    const wasLoud = this.isLoud;
    this.isLoud = agent >= LOUD;
    if (!this.isLoud) {
      this.silence = { from: wasLoud ? at : this.silence.from, to: at };
      return null;
    }
    const { ended } = this;
    if (wasLoud || ended === null) return null;
    const waited = at - ended.at;
    // A text may come right after the agent's last word; sounds come in the pauses of its answer.
    const begins =
      ended.by === "text" ? this.silence.to >= ended.at : at - this.silence.from > PAUSE;
    if (!begins) return null;
    this.ended = null;
    if (waited > LATEST || (ended.by === "voice" && waited < SOONEST)) return null;
    return { at, seconds: waited / 1000, by: ended.by };
  }

  /** Louder than the room: the noise is followed down at once, and up slowly. */
  private isSpeech(level: number): boolean {
    this.noise = level < this.noise ? level : this.noise + (level - this.noise) * RISE;
    return level > Math.max(LOUD, this.noise * ABOVE_NOISE);
  }
}

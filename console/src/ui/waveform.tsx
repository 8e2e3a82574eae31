/** The recording as a waveform, or as a bar where it is not decoded: shows and sets the position. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Playback } from "../state/playback";
import { clock } from "./format";

const STEP = 5;
const HEIGHT = 64;

interface Props {
  playback: Playback;
  peaks: Float32Array | null;
}

export function Waveform({ playback, peaks }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const redraw = () => {
      draw(element, playback, peaks);
    };
    const stop = effect(redraw);
    const observer = new ResizeObserver(redraw);
    observer.observe(element);
    return () => {
      stop();
      observer.disconnect();
    };
  }, [playback, peaks]);

  const time = playback.time.value;
  const duration = playback.duration.value;
  const key = (event: KeyboardEvent) => {
    const to = {
      ArrowRight: time + STEP,
      ArrowUp: time + STEP,
      ArrowLeft: time - STEP,
      ArrowDown: time - STEP,
      Home: 0,
      End: duration,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    playback.seek(to);
  };
  return (
    <div
      class="waveform"
      role="slider"
      tabIndex={0}
      aria-label="Position in the recording"
      aria-valuemin={0}
      aria-valuemax={Math.round(duration)}
      aria-valuenow={Math.round(time)}
      aria-valuetext={`${clock(time)} of ${clock(duration)}`}
      onKeyDown={key}
      onPointerDown={(event) => {
        const { left, width } = event.currentTarget.getBoundingClientRect();
        if (width > 0) playback.seek(((event.clientX - left) / width) * duration);
      }}
    >
      <canvas ref={canvas} height={HEIGHT} aria-hidden="true" />
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, playback: Playback, peaks: Float32Array | null): void {
  const time = playback.time.value;
  const duration = playback.duration.value;
  const turn = playback.turns.value[playback.current.value];
  const context = canvas.getContext("2d");
  if (context === null) return;
  const scale = devicePixelRatio;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(HEIGHT * scale);
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const place = (seconds: number) => (duration > 0 ? (seconds / duration) * width : 0);
  if (turn?.from != null) {
    context.fillStyle = style.getPropertyValue("--added");
    const from = place(turn.from);
    context.fillRect(from, 0, place(turn.to ?? duration) - from, HEIGHT);
  }
  const played = place(time);
  const [done, rest] = [style.getPropertyValue("--accent"), style.getPropertyValue("--dim")];
  for (let x = 0; x < width; x += 2) {
    const height = peaks === null ? 4 : Math.max(1, loudness(peaks, x / width, 2 / width) * HEIGHT);
    context.fillStyle = x < played ? done : rest;
    context.fillRect(x, (HEIGHT - height) / 2, peaks === null ? 2 : 1.5, height);
  }
  context.fillStyle = done;
  context.fillRect(played, 0, 1, HEIGHT);
}

function loudness(peaks: Float32Array, from: number, part: number): number {
  const first = Math.floor(from * peaks.length);
  const last = Math.max(first + 1, Math.ceil((from + part) * peaks.length));
  return peaks.subarray(first, last).reduce((most, peak) => Math.max(most, peak), 0);
}

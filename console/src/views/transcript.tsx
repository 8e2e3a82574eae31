/** The transcript: who said what and when, and what tools did. */

import { useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Transcript, TranscriptItem } from "../api/conversation";
import type { Playback } from "../state/playback";
import type { Turn } from "../state/turns";
import { clock, seconds, words } from "../ui/format";
import { RawJson } from "../ui/parts";
import { Empty } from "../ui/states";

const SPEAKERS: Record<string, string> = { user: "User", assistant: "Agent" };
const SHORT = 200;
/** Turns that are drawn at a time; a transcript may have 100,000. */
const MOST = 1000;

interface Props {
  turns: readonly Turn[];
  transcript: Transcript;
  path: string;
  playback: Playback;
}

export function TranscriptPanel({ turns, transcript, path, playback }: Props) {
  if (turns.length === 0) return <NoTranscript />;
  return (
    <>
      {!transcript.final && (
        <p class="dim">What workers have reported until now; more may come.</p>
      )}
      <Turns turns={turns} playback={playback} />
      <p>
        <a href={`${path}.txt`} download="transcript.txt">
          Download as text
        </a>{" "}
        ·{" "}
        <a href={`${path}.vtt`} download="transcript.vtt">
          as captions
        </a>
      </p>
      <RawJson value={transcript} path={path} name="Raw transcript" />
    </>
  );
}

function NoTranscript() {
  return (
    <Empty>
      <p>
        There is no transcript yet. The agent's worker reports it when the session closes. If none
        comes, start the worker with <code>LIVEKIT_OBSERVABILITY_URL={location.origin}</code>, and
        its session with <code>record=True</code> (docs/how-to/get-transcripts.md).
      </p>
    </Empty>
  );
}

function Turns({ turns, playback }: { turns: readonly Turn[]; playback: Playback }) {
  const list = useRef<HTMLOListElement>(null);
  const [drawn, setDrawn] = useState(MOST);
  useEffect(
    () =>
      playback.current.subscribe((index) => {
        setDrawn((old) => (index < old ? old : index + MOST));
        const [box, item] = [list.current, list.current?.children[index]];
        if (box == null || !(item instanceof HTMLElement) || !playback.playing.value) return;
        // Not `scrollIntoView`, which would move the page as well.
        box.scrollTop = item.offsetTop - box.offsetTop - box.clientHeight / 3;
      }),
    [playback],
  );
  const left = turns.length - drawn;
  return (
    <>
      {/* Focusable, so that the keyboard can scroll it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ol class="turns" aria-label="Transcript" tabIndex={0} ref={list}>
        {turns.slice(0, drawn).map((turn, index) => (
          <TurnRow key={turn.item.id} turn={turn} index={index} playback={playback} />
        ))}
      </ol>
      {left > 0 && (
        <button
          type="button"
          onClick={() => {
            setDrawn(drawn + MOST);
          }}
        >
          Show more of the {left.toLocaleString()} that follow
        </button>
      )}
    </>
  );
}

interface RowProps {
  turn: Turn;
  index: number;
  playback: Playback;
}

function TurnRow({ turn, index, playback }: RowProps) {
  const { item, from, latency } = turn;
  const heard = useComputed(() => playback.current.value === index);
  return (
    <li class={`turn ${item.role ?? "other"}`} aria-current={heard.value ? "true" : undefined}>
      <At from={from} playback={playback} />
      <div>
        <Item item={item} />
        {item.interrupted && <span class="status wait">interrupted</span>}
        {latency !== null && <span class="dim"> answered after {seconds(latency)}</span>}
        {item.truncated === true && <span class="dim"> shortened when it was stored</span>}
      </div>
    </li>
  );
}

function At({ from, playback }: { from: number | null; playback: Playback }) {
  if (from === null) return <span class="at dim">–</span>;
  if (!playback.ready.value || from > playback.duration.value) {
    return <span class="at dim">{clock(from)}</span>;
  }
  return (
    <button
      type="button"
      class="at"
      aria-label={`Go to ${clock(from)}`}
      onClick={() => {
        playback.seek(from);
      }}
    >
      {clock(from)}
    </button>
  );
}

function Item({ item }: { item: TranscriptItem }) {
  switch (item.type) {
    case "message":
      return (
        <>
          <strong>{SPEAKERS[item.role ?? ""] ?? item.role ?? "unknown"}</strong>{" "}
          <span class="text">{item.text}</span>{" "}
        </>
      );
    case "function_call":
      return (
        <>
          <strong>Tool call</strong> <code>{item.name}</code> <Long text={item.arguments ?? ""} />
        </>
      );
    case "function_call_output":
      return (
        <>
          <strong class={item.isError === true ? "failed" : ""}>
            {item.isError === true ? "Tool error" : "Tool result"}
          </strong>{" "}
          <code>{item.name}</code> <Long text={item.output ?? ""} />
        </>
      );
    default:
      return (
        <>
          <strong>{words(item.type)}</strong> <span class="text">{item.text}</span>{" "}
          {item.extra !== undefined && <Long text={JSON.stringify(item.extra)} />}
        </>
      );
  }
}

function Long({ text }: { text: string }) {
  if (text.length <= SHORT) return <code class="text">{text}</code>;
  return (
    <details>
      <summary>
        <code>{text.slice(0, SHORT)} …</code>
      </summary>
      <code class="text">{text}</code>
    </details>
  );
}

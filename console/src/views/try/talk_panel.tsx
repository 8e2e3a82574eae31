/** What is heard, said and measured while a person talks to an agent. */

import type { ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { median } from "../../state/per_minute";
import type { Conversation } from "../../talk/conversation";
import { TextField } from "../../ui/fields";
import { words } from "../../ui/format";

interface Props {
  conversation: Conversation;
  endLabel: string;
  end(): void;
  /** What can be done once it is over. */
  over: ComponentChildren;
}

export function TalkPanel({ conversation, endLabel, end, over }: Props) {
  const phase = conversation.phase.value;
  const { isOver } = conversation;
  return (
    <section class="talk" aria-label="Conversation">
      <p class={phase.is === "failed" ? "failed" : ""} role="status">
        {sentence(conversation)}
      </p>
      {isOver ? (
        over
      ) : (
        <>
          <p>
            <button
              type="button"
              aria-pressed={conversation.muted.value}
              onClick={() => void conversation.mute(!conversation.muted.value)}
            >
              {conversation.muted.value ? "Unmute" : "Mute"}
            </button>{" "}
            <button type="button" class="primary" onClick={end}>
              {endLabel}
            </button>{" "}
            {conversation.silenced.value && (
              <button type="button" onClick={() => void conversation.unsilence()}>
                The browser plays no sound yet: play it
              </button>
            )}
          </p>
          <Level label="Your microphone" level={conversation.userLevel} />
          <Level label="The agent" level={conversation.agentLevel} />
        </>
      )}
      <Transcript conversation={conversation} />
      {!isOver && <Typing conversation={conversation} />}
      <Latency conversation={conversation} />
    </section>
  );
}

function sentence(conversation: Conversation): string {
  const phase = conversation.phase.value;
  switch (phase.is) {
    case "connecting":
      return "Connecting to LiveKit …";
    case "reconnecting":
      return "The connection to LiveKit is lost. Connecting again …";
    case "failed":
    case "over":
      return phase.reason;
    case "connected": {
      const state = conversation.agent.value;
      return state === null ? "Waiting for the agent …" : `The agent is ${STATES[state] ?? words(state)}.`;
    }
  }
}

const STATES: Record<string, string> = { joined: "here", idle: "idle" };

/** Of its own, as it changes twenty times a second. */
function Level({ label, level }: { label: string; level: ReadonlySignal<number> }) {
  // Loudness is perceived logarithmically: −60 dB is empty, 0 dB full.
  const decibels = 20 * Math.log10(Math.max(level.value, 0.001));
  return (
    <div class="level">
      <span>{label}</span>
      <meter aria-label={`${label}: level`} min={0} max={1} value={1 + decibels / 60} />
    </div>
  );
}

const SPEAKERS = { user: "You", agent: "Agent" };

function Transcript({ conversation }: { conversation: Conversation }) {
  const lines = conversation.lines.value;
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, [lines]);
  return (
    <>
      <h2>Transcript</h2>
      {lines.length === 0 && <p class="dim">Nothing has been said yet.</p>}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div class="transcript" role="log" aria-label="Transcript" tabIndex={0}>
        <ol ref={list}>
          {lines.map((line) => (
            <li key={line.key} class={line.who}>
              <strong>{SPEAKERS[line.who]}</strong>{" "}
              <span class={line.final ? "text" : "text dim"}>{line.text}</span>
            </li>
          ))}
        </ol>
      </div>
    </>
  );
}

function Typing({ conversation }: { conversation: Conversation }) {
  const [text, setText] = useState("");
  return (
    <form
      class="filters"
      aria-label="Message"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") void conversation.type(text);
        setText("");
      }}
    >
      <TextField label="Type to the agent" value={text} change={setText} />
      <button type="submit">Send</button>
    </form>
  );
}

function Latency({ conversation }: { conversation: Conversation }) {
  const turns = conversation.turns.value;
  const middle = median(turns.map((turn) => turn.seconds));
  return (
    <>
      <h2>Latency per turn</h2>
      {middle === null ? (
        <p class="dim">
          From your last sound to the agent's first, as this browser hears both. No turn yet.
        </p>
      ) : (
        <>
          <p>
            Median {middle.toFixed(2)} s of {turns.length.toString()}{" "}
            {turns.length === 1 ? "turn" : "turns"}, from your last sound to the agent's first.
          </p>
          <ol class="latest-turns" aria-label="Latency per turn">
            {turns.map((turn) => (
              <li key={turn.at}>
                {turn.seconds.toFixed(2)} s{turn.by === "text" && " after a typed message"}
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  );
}

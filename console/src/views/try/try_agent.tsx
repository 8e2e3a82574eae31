/** Talk to an agent in the browser. */

import { useMemo, useState } from "preact/hooks";
import type { Agent } from "../../api/types";
import { problemsOf } from "../../forms/schema";
import { ofKind } from "../../live/concerns";
import { hashOf, place } from "../../router";
import { may } from "../../state/session";
import type { Conversation } from "../../talk/conversation";
import { type Choice, type Started, end, start } from "../../talk/start";
import { Failed } from "../../ui/states";
import { useFollowedPages } from "../../ui/use_followed";
import { AgentChoice } from "./agent_choice";
import { LedgerSession } from "./ledger_session";
import { MicrophoneProblem } from "./microphone_problem";
import { TalkPanel } from "./talk_panel";
import { useConversation } from "./use_conversation";

export function TryAgentView() {
  const [choice, setChoice] = useState<Choice>({
    agentId: place.value.query["agent"] ?? "",
    agentName: "",
    config: {},
    variables: {},
  });
  const { stage, talk, choose } = useConversation<Started>({
    begin: () => start(choice),
    // An agent without a user must not wait in the room.
    abandon: ({ roomName }) => end(roomName),
  });
  return (
    <>
      <h1>Try an agent</h1>
      <TryViews open="agent" />
      {stage.is === "without microphone" && (
        <MicrophoneProblem
          reason={stage.reason}
          retry={() => void talk(true)}
          without={() => void talk(false)}
          back={choose}
        />
      )}
      {stage.is === "talking" ? (
        <Talking conversation={stage.conversation} started={stage.begun} again={choose} />
      ) : (
        <Choosing
          choice={choice}
          change={setChoice}
          busy={stage.is === "starting"}
          error={stage.is === "choosing" ? stage.error : null}
          talk={() => void talk(true)}
        />
      )}
    </>
  );
}

/** The two things that can be tried. */
export function TryViews({ open }: { open: "agent" | "phone" }) {
  return (
    <nav class="views" aria-label="What to try">
      <a href={hashOf(["try"])} aria-current={open === "agent" ? "page" : undefined}>
        Talk in the browser
      </a>
      {may("admin") && (
        <a href={hashOf(["try", "phone"])} aria-current={open === "phone" ? "page" : undefined}>
          Simulate a phone call
        </a>
      )}
    </nav>
  );
}

interface ChoosingProps {
  choice: Choice;
  change(choice: Choice): void;
  busy: boolean;
  error: Error | null;
  talk(): void;
}

function Choosing({ choice, change, busy, error, talk }: ChoosingProps) {
  const agents = useFollowedPages<Agent>("/agents", "agents", ofKind("agent"));
  const problems = useMemo(() => {
    const found = error === null ? [] : problemsOf(error);
    return found.filter(({ path }) => path.startsWith("agentConfig"));
  }, [error]);
  return (
    <form
      aria-label="Talk to an agent"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) talk();
      }}
    >
      <AgentChoice
        agents={may("agents:read", "agents:write") ? (agents.items ?? []) : []}
        choice={choice}
        change={change}
        problems={problems}
      />
      {error !== null && problems.length === 0 && <Failed error={error} />}
      <button type="submit" class="primary" aria-disabled={busy}>
        {busy ? "Starting …" : "Talk"}
      </button>
      <p class="dim">The browser asks whether this page may use the microphone.</p>
    </form>
  );
}

interface TalkingProps {
  conversation: Conversation;
  started: Started;
  again(): void;
}

function Talking({ conversation, started, again }: TalkingProps) {
  const [error, setError] = useState<Error | null>(null);
  const page = hashOf(["sessions", started.sessionId]);
  const finish = async () => {
    conversation.leave();
    try {
      await end(started.roomName);
      location.hash = page;
    } catch (raised) {
      setError(raised as Error);
    }
  };
  return (
    <>
      {error !== null && <Failed error={error} retry={() => void finish()} />}
      <TalkPanel
        conversation={conversation}
        endLabel="End"
        end={() => void finish()}
        over={
          <p>
            <a href={page}>Open the session</a>{" "}
            <button type="button" onClick={again}>
              Talk again
            </button>
          </p>
        }
      />
      <LedgerSession
        id={started.sessionId}
        noWorker={started.agentStatus === "no_worker"}
        waiting={conversation.agent.value === null}
      />
    </>
  );
}

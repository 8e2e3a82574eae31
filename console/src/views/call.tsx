import type { Call } from "../api/types";
import { about } from "../live/concerns";
import { hashOf } from "../router";
import { may } from "../state/session";
import { seconds, timeOf, words } from "../ui/format";
import { Configuration, Facts, RawJson, Timeline } from "../ui/parts";
import { Failed, Loading, Status } from "../ui/states";
import { useRecord } from "../ui/use_record";
import { Announced } from "./announced";
import { Conversation } from "./conversation";
import { Participants } from "./participants";
import { UsagePanel } from "./usage";

const CERTAINTY: Record<string, string> = {
  at_least: "at least ",
  at_most: "at most ",
  unknown: "unknown",
};

export function CallView({ id }: { id: string }) {
  const path = `/telephony/calls/${encodeURIComponent(id)}`;
  const { value: call, error, reload } = useRecord(path, "call", id);
  if (call === null) {
    return (
      <>
        <h1>Call</h1>
        {error ? <Failed error={error} retry={() => void reload()} /> : <Loading what="the call" />}
      </>
    );
  }
  return (
    <>
      <p class="crumbs">
        <a href={hashOf(["calls"])}>Calls</a>
      </p>
      <h1>
        {call.from ?? "unknown"} → {call.to ?? "unknown"} <Status status={call.status} />
      </h1>
      <Facts
        facts={[
          ["Direction", call.directionIs === "assumed" ? `${call.direction} (assumed)` : call.direction],
          ["Room", call.roomName],
          ["Participant", call.participantIdentity],
          ["Created", timeOf(call.createdAt)],
          ["Answered", answered(call)],
          ["Ended", timeOf(call.endedAt)],
          ["Duration", duration(call)],
          ["Ended because", call.disconnectReason === null ? null : words(call.disconnectReason)],
          ["SIP status", call.sipStatusCode?.toString() ?? null],
          ["Trunk", <code key="trunk">{call.trunkId ?? "–"}</code>],
          ["Carrier's id", <code key="carrier">{call.carrierCallId ?? "–"}</code>],
          ["Call id", <code key="id">{call.callId}</code>],
        ]}
      />
      <h2>Timeline</h2>
      <Timeline entries={call.timeline} createdAt={call.createdAt} />
      <Participants path={path} concerns={about([id, call.sessionId])} />
      <h2>Agent</h2>
      {call.sessionId === null ? (
        <p class="dim">No agent was dispatched to this call.</p>
      ) : (
        <CallsSession key={call.sessionId} id={call.sessionId} path={path} />
      )}
      <Announced record={call} path={path} filter={{ callId: id }} />
      <RawJson value={call} path={path} />
    </>
  );
}

/** The session that serves the call; `path` is the call's own. */
function CallsSession({ id, path }: { id: string; path: string }) {
  const { value: session, error, reload } = useRecord(
    `/sessions/${encodeURIComponent(id)}`,
    "session",
    id,
  );
  if (session === null) {
    return error ? <Failed error={error} retry={() => void reload()} /> : <Loading what="its session" />;
  }
  const agents = may("agents:read", "agents:write");
  return (
    <>
      <p>
        <a href={hashOf(["sessions", id])}>{session.agentName}</a>{" "}
        <Status status={session.status} /> · joined after {seconds(session.agentJoinSeconds)}
        {session.agentId !== null && (
          <>
            {" "}
            ·{" "}
            {agents ? (
              <a href={hashOf(["agents", session.agentId])}>
                version {session.agentVersion?.toString()}
              </a>
            ) : (
              `version ${session.agentVersion?.toString() ?? ""}`
            )}
          </>
        )}
      </p>
      <details>
        <summary>Configuration</summary>
        <Configuration values={session.agentConfig} />
      </details>
      <Conversation session={session} path={`${path}/transcript`} />
      <UsagePanel sessionId={id} path={`${path}/usage`} />
    </>
  );
}

function answered(call: Call): string {
  if (call.answeredAt !== null) {
    return `${call.answeredAtIs === "at_most" ? "by " : ""}${timeOf(call.answeredAt)}`;
  }
  return call.answeredAtIs === "unknown" ? "unknown" : "not answered";
}

function duration(call: Call): string {
  if (call.durationSeconds === null) return CERTAINTY[call.durationIs ?? ""] ?? "–";
  return `${CERTAINTY[call.durationIs ?? ""] ?? ""}${seconds(call.durationSeconds)}`;
}

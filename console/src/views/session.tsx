import type { Session } from "../api/types";
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

export function SessionView({ id }: { id: string }) {
  const path = `/sessions/${encodeURIComponent(id)}`;
  const { value: session, error, reload } = useRecord(path, "session", id);
  if (session === null) {
    return (
      <>
        <h1>Session</h1>
        {error ? <Failed error={error} retry={() => void reload()} /> : <Loading what="the session" />}
      </>
    );
  }
  return (
    <>
      <p class="crumbs">
        <a href={hashOf(["sessions"])}>Sessions</a>
      </p>
      <h1>
        {session.roomName} <Status status={session.status} />
      </h1>
      <Facts
        facts={[
          ["User", session.userIdentity],
          ["Agent", session.agentName],
          ["Saved agent", <SavedAgent key="agent" session={session} />],
          ["Call", session.callId && <a href={hashOf(["calls", session.callId])}>open the call</a>],
          ["Created", timeOf(session.createdAt)],
          ["Agent dispatched", timeOf(session.dispatchedAt)],
          ["Agent joined", timeOf(session.agentJoinedAt)],
          ["Join latency", seconds(session.agentJoinSeconds)],
          ["Agent left", timeOf(session.agentLeftAt)],
          ["Ended", timeOf(session.endedAt)],
          ["End reason", session.endReason === null ? null : words(session.endReason)],
          ["Dispatch", words(session.dispatch)],
          ["Session id", <code key="id">{session.sessionId}</code>],
          ["LiveKit room", <code key="sid">{session.roomSid ?? "–"}</code>],
        ]}
      />
      <h2>Timeline</h2>
      <Timeline entries={session.timeline} createdAt={session.createdAt} />
      {may("calls:read") && (
        <Participants path={path} concerns={about([id, session.callId])} />
      )}
      <Conversation session={session} path={`${path}/transcript`} />
      <UsagePanel sessionId={id} path={`${path}/usage`} />
      <Announced record={session} path={path} filter={{ sessionId: id }} />
      <h2>Agent configuration</h2>
      <Configuration values={session.agentConfig} />
      <RawJson value={session} path={path} />
    </>
  );
}

function SavedAgent({ session }: { session: Session }) {
  if (session.agentId === null) return <>none: the configuration came with the request</>;
  return (
    <a href={hashOf(["agents", session.agentId])}>
      version {session.agentVersion?.toString() ?? "unknown"}
    </a>
  );
}

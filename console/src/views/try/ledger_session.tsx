/** The session as the ledger has it, beside what the browser sees. */

import { useEffect, useState } from "preact/hooks";
import { request } from "../../api/client";
import type { Readiness, Session } from "../../api/types";
import { hashOf } from "../../router";
import { Timeline } from "../../ui/parts";
import { Failed, Loading, Status } from "../../ui/states";
import { useRecord } from "../../ui/use_record";

/** By then the service knows that no worker takes the job (docs/telephony.md). */
const KNOWN_AFTER = 15_000;

interface Props {
  id: string;
  /** Whether no worker took the agent's latest jobs before this one. */
  noWorker: boolean;
  /** Whether no agent is in the room. */
  waiting: boolean;
}

export function LedgerSession({ id, noWorker, waiting }: Props) {
  const { value: session, error, reload } = useRecord(
    `/sessions/${encodeURIComponent(id)}`,
    "session",
    id,
  );
  if (session === null) {
    return error ? <Failed error={error} retry={() => void reload()} /> : <Loading what="the session" />;
  }
  return (
    <section aria-label="In the ledger">
      <h2>
        In the ledger <Status status={session.status} />
      </h2>
      <p>
        <a href={hashOf(["sessions", id])}>{session.roomName}</a>, agent {session.agentName}
      </p>
      {waiting && session.endedAt === null && (
        <MissingAgent agentName={session.agentName} known={noWorker || isUntaken(session)} />
      )}
      <Timeline entries={session.timeline} createdAt={session.createdAt} />
    </section>
  );
}

function isUntaken(session: Session): boolean {
  return session.timeline.some((entry) => entry.what === "agent_never_joined");
}

/** Why the agent does not come, as far as the service knows. */
function MissingAgent({ agentName, known }: { agentName: string; known: boolean }) {
  const [warning, setWarning] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => {
      request<Readiness>("GET", "/health/ready").then(
        ({ warnings }) => {
          setWarning(warnings.find((each) => each.includes(`'${agentName}'`)) ?? null);
        },
        () => undefined,
      );
    }, KNOWN_AFTER);
    return () => {
      clearTimeout(timer);
    };
  }, [agentName]);
  if (warning === null && !known) return null;
  return (
    <p class="failed" role="alert">
      {warning ??
        `No worker takes the jobs of '${agentName}'. Start a worker that registers with this name and the service's LiveKit.`}
    </p>
  );
}

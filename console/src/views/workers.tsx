/** Which agents' workers take jobs, as far as sessions show: LiveKit has no list of workers. */

import { useEffect, useState } from "preact/hooks";
import { request, withQuery } from "../api/client";
import type { Session } from "../api/types";
import { hashOf } from "../router";
import { timeOf } from "../ui/format";
import { Failed, Loading, Status } from "../ui/states";

const STATUSES = ["active", "agent_dispatched", "dispatch_failed", "ended"];
const NEWEST = "200";

export interface Worker {
  name: string;
  serving: number;
  joining: number;
  failing: number;
  joinedAt: string | null;
}

/** Count the newest sessions by the worker that they ask for. */
export function workersOf(sessions: Session[]): Worker[] {
  const found = new Map<string, Worker>();
  for (const { agentName: name, status, agentJoinedAt } of sessions) {
    const none = { name, serving: 0, joining: 0, failing: 0, joinedAt: null };
    const worker = found.get(name) ?? none;
    if (status === "active") worker.serving += 1;
    if (status === "agent_dispatched") worker.joining += 1;
    if (status === "dispatch_failed") worker.failing += 1;
    if ((agentJoinedAt ?? "") > (worker.joinedAt ?? "")) worker.joinedAt = agentJoinedAt;
    found.set(name, worker);
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** `asked` changes when somebody asks again. */
export function Workers({ asked }: { asked: Date }) {
  const [workers, setWorkers] = useState<Worker[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const read = () => {
    Promise.all(STATUSES.map(newest)).then((found) => {
      setWorkers(workersOf(found.flat()));
      setError(null);
    }, setError);
  };
  useEffect(read, [asked]);

  return (
    <section aria-label="Workers">
      <h2>Workers</h2>
      {error !== null && <Failed error={error} retry={read} />}
      {workers === null && error === null && <Loading what="workers" />}
      {workers?.length === 0 && (
        <p class="dim">
          No session has asked for a worker yet. LiveKit has no list of workers: whether one takes
          jobs shows with the first session.
        </p>
      )}
      {workers !== null && workers.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">State</th>
              <th scope="col">Serves</th>
              <th scope="col">Joining</th>
              <th scope="col">Without an agent</th>
              <th scope="col">Joined last</th>
            </tr>
          </thead>
          <tbody>
            {workers.map((worker) => (
              <tr key={worker.name}>
                <th scope="row">{worker.name}</th>
                <td>
                  <Status status={stateOf(worker)} />
                </td>
                <td data-label="Serves">{worker.serving} sessions</td>
                <td data-label="Joining">{worker.joining}</td>
                <td data-label="Without an agent">
                  <a href={hashOf(["sessions"], { status: "dispatch_failed" })}>{worker.failing}</a>
                </td>
                <td data-label="Joined last">{timeOf(worker.joinedAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function stateOf({ serving, failing, joinedAt }: Worker): string {
  if (failing > 0) return "failed";
  return serving > 0 || joinedAt !== null ? "ok" : "unknown";
}

async function newest(status: string): Promise<Session[]> {
  const path = withQuery("/sessions", { status, limit: NEWEST });
  return (await request<{ sessions: Session[] }>("GET", path)).sessions;
}

/** Which agents' workers take jobs, as far as sessions show: LiveKit has no list of workers. */

import { useEffect, useState } from "preact/hooks";
import { request, withQuery } from "../api/client";
import type { Session } from "../api/types";
import { hashOf } from "../router";
import { timeOf } from "../ui/format";
import { Failed, Loading, Status } from "../ui/states";

const STATUSES = ["active", "agent_dispatched", "dispatch_failed", "ended"];
const NEWEST = "200";

/** On a busy machine LiveKit drops some jobs: the service's own warning is as patient. */
const SERVED_FOR = 60_000;
const OUTCOMES = new Set(["agent_joined", "agent_left", "agent_never_joined"]);

export interface Worker {
  name: string;
  serving: number;
  joining: number;
  /** Live sessions without an agent, for any reason. */
  without: number;
  /** Live sessions that no agent joined in time: one may have been dispatched again. */
  missed: number;
  /** When an agent did not join last, of sessions that have ended too. */
  missedAt: string | null;
  joinedAt: string | null;
}

/** Count the newest sessions by the worker that they ask for. */
export function workersOf(sessions: Session[]): Worker[] {
  const found = new Map<string, Worker>();
  for (const { agentName: name, status, agentJoinedAt, timeline } of sessions) {
    const none = { name, serving: 0, joining: 0, without: 0, missed: 0, missedAt: null, joinedAt: null };
    const worker = found.get(name) ?? none;
    const outcome = timeline.findLast(({ what }) => OUTCOMES.has(what));
    const missedAt = outcome?.what === "agent_never_joined" ? outcome.at : null;
    if (status === "active") worker.serving += 1;
    if (status === "agent_dispatched") worker.joining += 1;
    if (status === "dispatch_failed") worker.without += 1;
    if (status !== "ended" && missedAt !== null) worker.missed += 1;
    worker.missedAt = later(worker.missedAt, missedAt);
    worker.joinedAt = later(worker.joinedAt, agentJoinedAt);
    found.set(name, worker);
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

function later(a: string | null, b: string | null): string | null {
  return (a ?? "") > (b ?? "") ? a : b;
}

/** Tell by what came last of it: an agent that joined, or one that did not in time. */
export function stateOf({ missed, missedAt, joinedAt }: Worker): "ok" | "failed" | "unknown" {
  const joined = Date.parse(joinedAt ?? "") || 0;
  if (missedAt !== null && Date.parse(missedAt) - joined > SERVED_FOR) {
    return missed > 0 ? "failed" : "unknown";
  }
  return joinedAt === null ? "unknown" : "ok";
}

/** `asked` changes when the user asks again. */
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
                <td data-label="State">
                  <Status status={stateOf(worker)} /> <span class="dim">{reasonOf(worker)}</span>
                </td>
                <td data-label="Serves">{sessionsOf(worker.serving)}</td>
                <td data-label="Joining">{worker.joining}</td>
                <td data-label="Without an agent">
                  <a href={hashOf(["sessions"], { status: "dispatch_failed" })}>{worker.without}</a>
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

function sessionsOf(count: number): string {
  return count === 1 ? "1 session" : `${count.toLocaleString()} sessions`;
}

function reasonOf(worker: Worker): string {
  const { missed, missedAt } = worker;
  if (missedAt === null || stateOf(worker) === "ok") return "";
  const sessions = missed === 0 ? "a session, which has ended," : sessionsOf(missed);
  return `no agent joined ${sessions} in time, last at ${timeOf(missedAt)}`;
}

async function newest(status: string): Promise<Session[]> {
  const path = withQuery("/sessions", { status, limit: NEWEST });
  return (await request<{ sessions: Session[] }>("GET", path)).sessions;
}

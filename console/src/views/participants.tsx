/** Who is and was in the room of a session or a call. */

import type { Participant } from "../api/participants";
import type { DomainEvent } from "../api/types";
import { sourceOf, timeOf, words } from "../ui/format";
import { RawJson } from "../ui/parts";
import { Failed, Loading, Status } from "../ui/states";
import { useFollowedPages } from "../ui/use_followed";
import { OF_RECORD } from "../ui/use_news";

interface Props {
  /** The session's or the call's route. */
  path: string;
  concerns(event: DomainEvent): boolean;
}

export function Participants({ path, concerns }: Props) {
  const route = `${path}/participants`;
  const { items, page, error, complete, more, reload } = useFollowedPages<Participant>(
    route,
    "participants",
    concerns,
    OF_RECORD,
    ["participants"],
  );
  const gaps = (page?.["gaps"] as string[] | undefined) ?? [];
  return (
    <>
      <h2>Participants</h2>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="participants" />}
      {gaps.map((gap) => (
        <p key={gap} class="failed" role="status">
          {GAPS[gap] ?? words(gap)}{" "}
          {gap === "livekit_unreachable" && (
            <button type="button" onClick={() => void reload()}>
              Read again
            </button>
          )}
        </p>
      ))}
      {items?.length === 0 && (
        <p class="dim">
          Nobody is known to have been in the room. LiveKit's webhooks tell who comes and goes, and
          are kept for <code>INBOX_RETENTION_DAYS</code>.
        </p>
      )}
      {items !== null && items.length > 0 && <Table participants={items} route={route} />}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Earlier participants
        </button>
      )}
    </>
  );
}

const GAPS: Record<string, string> = {
  livekit_unreachable:
    "LiveKit did not answer: somebody may be missing, or have left.",
  older_webhooks: "There were more webhooks about this room than are read: some who left early are missing.",
};

function Table({ participants, route }: { participants: Participant[]; route: string }) {
  return (
    <>
      <table aria-label="Participants">
        <thead>
          <tr>
            <th scope="col">Participant</th>
            <th scope="col">Kind</th>
            <th scope="col">In the room</th>
            <th scope="col">Joined</th>
            <th scope="col">Left</th>
          </tr>
        </thead>
        <tbody>
          {participants.map((one) => (
            <tr key={`${one.roomSid ?? ""} ${one.sid ?? one.identity}`}>
              <th scope="row">
                {one.identity}
                {one.name !== null && one.name !== one.identity && <span class="dim"> {one.name}</span>}
              </th>
              <td data-label="Kind">{kindOf(one)}</td>
              <td data-label="In the room">
                <Status status={one.leftAt === null ? "in" : "left"} />
              </td>
              <td data-label="Joined">
                {one.joinedAt === null ? "unknown" : timeOf(one.joinedAt)}
              </td>
              <td data-label="Left">{leftOf(one)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <details>
        <summary>Who reported it</summary>
        <ul>
          {participants.map((one) => (
            <li key={`${one.roomSid ?? ""} ${one.sid ?? one.identity}`}>
              {one.identity}: {sourcesOf(one)}
            </li>
          ))}
        </ul>
      </details>
      <RawJson value={participants} path={route} name="Raw participants" />
    </>
  );
}

function kindOf({ kind, agentName, phone }: Participant): string {
  if (kind === "agent" && agentName !== null) return `agent ${agentName}`;
  if (phone === null) return kind;
  const number = phone.direction === "outbound" ? phone.to : phone.from;
  return `${kind === "sip" ? "telephone" : kind} ${number ?? "without a number"}`;
}

function leftOf({ leftAt, leftAtIs, leaveReason, connectionAborted }: Participant): string {
  if (leftAt === null) return "–";
  const at = `${leftAtIs === "at_most" ? "by " : ""}${timeOf(leftAt)}`;
  const why = leaveReason === null ? "" : `, ${words(leaveReason)}`;
  return `${at}${why}${connectionAborted ? ", never connected" : ""}`;
}

function sourcesOf({ joinedAtSource, leftAtSource }: Participant): string {
  const joined = joinedAtSource === null ? "nobody reported the join" : `join, ${sourceOf(joinedAtSource)}`;
  return leftAtSource === null ? joined : `${joined}; leave, ${sourceOf(leftAtSource)}`;
}

import { hashOf } from "../router";
import { SESSION_STATUSES, SESSIONS } from "../state/kinds";
import { seconds, timeOf } from "../ui/format";
import { Status } from "../ui/states";
import { RecordListView } from "./record_list_view";

const FILTERS = [
  { name: "status", label: "Status", choices: SESSION_STATUSES },
  { name: "userIdentity", label: "User identity" },
  { name: "roomName", label: "Room" },
  { name: "since", label: "Since", time: true },
  { name: "until", label: "Until", time: true },
];
const COLUMNS = ["Room", "User", "Agent", "Status", "Join", "Created"];

export function SessionsView() {
  return (
    <RecordListView
      title="Sessions"
      plural="sessions"
      kind={SESSIONS}
      filters={FILTERS}
      columns={COLUMNS}
      row={(session) => ({
        href: hashOf(["sessions", session.sessionId]),
        cells: [
          session.roomName,
          session.userIdentity,
          session.agentName,
          <Status key="status" status={session.status} />,
          seconds(session.agentJoinSeconds),
          timeOf(session.createdAt),
        ],
      })}
      follower={(tell) => ({ session: tell })}
      empty={
        <>
          <p>There are no sessions yet. Start one:</p>
          <pre>
            curl {location.origin}/session -H 'Content-Type: application/json' -d '
            {'{"userIdentity": "user-42"}'}'
          </pre>
        </>
      }
    />
  );
}

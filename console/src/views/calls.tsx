import { hashOf } from "../router";
import { CALL_STATUSES, CALLS } from "../state/kinds";
import { seconds, timeOf } from "../ui/format";
import { Status } from "../ui/states";
import { RecordListView } from "./record_list_view";

const FILTERS = [
  { name: "status", label: "Status", choices: CALL_STATUSES },
  { name: "direction", label: "Direction", choices: ["inbound", "outbound"] },
  { name: "from", label: "From", placeholder: "+15105550100" },
  { name: "to", label: "To", placeholder: "+15105550199" },
  { name: "roomName", label: "Room" },
  { name: "since", label: "Since", time: true },
  { name: "until", label: "Until", time: true },
];
const COLUMNS = ["From", "To", "Direction", "Status", "Duration", "Created"];

export function CallsView() {
  return (
    <RecordListView
      title="Calls"
      plural="calls"
      kind={CALLS}
      filters={FILTERS}
      columns={COLUMNS}
      row={(call) => ({
        href: hashOf(["calls", call.callId]),
        cells: [
          call.from ?? "unknown",
          call.to ?? "unknown",
          call.direction,
          <Status key="status" status={call.status} />,
          seconds(call.durationSeconds),
          timeOf(call.createdAt),
        ],
      })}
      follower={(tell) => ({ call: tell })}
      empty={
        <p>
          There are no calls yet. Point a LiveKit SIP trunk and its webhooks at this service
          (docs/telephony.md), or make a call with the simulator.
        </p>
      }
    />
  );
}

/** The call of a participant, whose id is unknown until the ledger has learned of it. */

import type { Call } from "../../api/types";
import { useRecordOf } from "../../ui/use_record";

export function useCallOf(roomName: string, identity: string): Call | null {
  const isIt = (call: Call) => call.roomName === roomName && call.participantIdentity === identity;
  // That the ledger does not know it yet is an error, which an event removes.
  const { value } = useRecordOf(
    `/telephony/calls/by-room/${encodeURIComponent(roomName)}`,
    "call",
    isIt,
    (event) => (event.data as Partial<Call> | null)?.roomName === roomName,
  );
  return value !== null && isIt(value) ? value : null;
}

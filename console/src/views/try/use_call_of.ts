/** The call of a participant, whose id is unknown until the ledger has learned of it. */

import { useEffect, useState } from "preact/hooks";
import { ApiError, request } from "../../api/client";
import type { Call, DomainEvent } from "../../api/types";
import { follow, isNews } from "../../live/live";

/** Events that come together cause one reading. */
const TOGETHER = 200;

export function useCallOf(roomName: string, identity: string): Call | null {
  const [call, setCall] = useState<Call | null>(null);
  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const take = (told: Call) => {
      if (stopped || told.roomName !== roomName || told.participantIdentity !== identity) return;
      setCall((known) => (isNews(known ?? undefined, told) ? told : known));
    };
    const read = async () => {
      try {
        take(await request<Call>("GET", `/telephony/calls/by-room/${encodeURIComponent(roomName)}`));
      } catch (error) {
        // Not known yet: an event will tell. Without an answer the frame says that it is offline.
        if (!(error instanceof ApiError)) return;
      }
    };
    const unfollow = follow({
      call: take,
      // Some changes have no event of their own, such as the first dispatch.
      any: (event: DomainEvent) => {
        if ((event.data as Partial<Call> | null)?.roomName !== roomName) return;
        clearTimeout(timer);
        timer = setTimeout(() => void read(), TOGETHER);
      },
      gap: () => void read(),
    });
    void read();
    return () => {
      stopped = true;
      clearTimeout(timer);
      unfollow();
    };
  }, [roomName, identity]);
  return call;
}

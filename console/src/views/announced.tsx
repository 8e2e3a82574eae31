/** What a session's or a call's page shows of events out and LiveKit's webhooks in. */

import { withQuery } from "../api/client";
import type { DomainEvent } from "../api/types";
import { may } from "../state/session";
import { OF_RECORD } from "../ui/use_news";
import { EventsPanel } from "./events";
import { InboxEntries } from "./inbox";

interface Props {
  record: { roomName: string; roomSid: string | null };
  path: string;
  filter: { sessionId: string } | { callId: string };
}

export function Announced({ record, path, filter }: Props) {
  const [id] = Object.values(filter);
  const concerns = (event: DomainEvent) => event.sessionId === id || event.callId === id;
  const { roomName, roomSid } = record;
  return (
    <>
      {may("calls:read") && (
        <EventsPanel path={path} deliveries={withQuery("/deliveries", filter)} concerns={concerns} />
      )}
      {may("admin") && (
        <>
          <h2>LiveKit's webhooks received</h2>
          <InboxEntries
            filter={{ roomName, roomSid: roomSid ?? undefined }}
            concerns={concerns}
            pace={OF_RECORD}
            none={NONE}
          />
        </>
      )}
    </>
  );
}

const NONE =
  "No webhook of LiveKit's about this room is stored. If none comes, add this service's " +
  "/telephony/livekit-webhook to LiveKit's webhooks (docs/telephony.md); the reconciler finds " +
  "changes meanwhile. Processed ones are deleted after INBOX_RETENTION_DAYS.";

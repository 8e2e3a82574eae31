/** LiveKit's webhooks as the HTTP API shows them. */

export interface InboxEntry {
  eventId: string;
  kind: string;
  roomName: string | null;
  roomSid: string | null;
  status: "pending" | "handled" | "dead";
  receivedAt: string;
  handledAt: string | null;
  nextAttemptAt: string | null;
  failures: number;
  outages: number;
  lastError: string | null;
}

export interface InboxEntryWithBody extends InboxEntry {
  body: string;
}

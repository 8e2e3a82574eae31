/** Who is and was in a room, as the HTTP API shows it. */

export interface Participant {
  identity: string;
  name: string | null;
  kind: string;
  sid: string | null;
  roomSid: string | null;
  source: string;
  joinedAt: string | null;
  joinedAtSource: string | null;
  leftAt: string | null;
  leftAtIs: "exact" | "at_most" | null;
  leftAtSource: string | null;
  leaveReason: string | null;
  connectionAborted: boolean;
  isPublisher: boolean;
  agentName: string | null;
  phone: {
    direction: "inbound" | "outbound";
    from: string | null;
    to: string | null;
    trunkId: string | null;
    status: string | null;
  } | null;
}

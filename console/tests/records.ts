/** Records for tests. */

import type { Call, ConsoleSession, DomainEvent, Session } from "../src/api/types";

let number = 0;

export function session(fields: Partial<Session> = {}): Session {
  number += 1;
  return {
    sessionId: `s-${number.toString().padStart(6, "0")}`,
    roomName: "support-7",
    roomSid: null,
    userIdentity: "user-42",
    agentName: "shreya-obnox",
    agentConfig: { prompt: "Help.", realtime: false },
    agentId: null,
    agentVersion: null,
    status: "agent_dispatched",
    agentDispatched: true,
    dispatch: "now",
    joinUntil: null,
    createdAt: "2026-11-27T12:00:00.000Z",
    dispatchedAt: null,
    activeAt: null,
    agentJoinedAt: null,
    agentLeftAt: null,
    agentJoinSeconds: null,
    agentAdopted: false,
    endedAt: null,
    endReason: null,
    callId: null,
    timeline: [],
    ...fields,
  };
}

export function call(fields: Partial<Call> = {}): Call {
  number += 1;
  return {
    callId: `c-${number.toString().padStart(6, "0")}`,
    sessionId: null,
    roomName: "call-7",
    direction: "inbound",
    directionIs: "reported",
    from: "+15105550100",
    to: "+15105550199",
    trunkId: null,
    sipCallId: null,
    sipStatusCode: null,
    carrierCallId: null,
    participantIdentity: "sip_+15105550100",
    status: "ringing",
    agentDispatched: false,
    createdAt: "2026-11-27T12:00:00.000Z",
    answeredAt: null,
    answeredAtIs: "exact",
    endedAt: null,
    durationSeconds: null,
    durationIs: null,
    disconnectReason: null,
    timeline: [],
    ...fields,
  };
}

export function entry(what: string, source = "webhook", at = "2026-11-27T12:00:01.000Z") {
  return { at, what, source };
}

export function event(type: string, data: Session | Call, fields: Partial<DomainEvent> = {}) {
  number += 1;
  return {
    id: `e-${number.toString()}`,
    type,
    createdAt: "2026-11-27T12:00:00.000Z",
    occurredAt: "2026-11-27T12:00:00.000Z",
    sequence: number,
    tenant: null,
    sessionId: null,
    callId: null,
    source: "webhook",
    data,
    ...fields,
  };
}

export const SIGNED_IN: ConsoleSession = {
  state: "signed_in",
  tenant: "acme",
  scopes: ["admin"],
  expiresAt: "2026-11-28T00:00:00.000Z",
};

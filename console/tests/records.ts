/** Records for tests. */

import type { Recording, TranscriptItem } from "../src/api/conversation";
import type { InboxEntry } from "../src/api/inbox";
import type { Call, ConsoleSession, DomainEvent, Session } from "../src/api/types";
import type { Delivery, Webhook } from "../src/api/webhooks";

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
    roomSid: null,
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

export function event(type: string, data: unknown, fields: Partial<DomainEvent> = {}) {
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

export function item(fields: Partial<TranscriptItem> = {}): TranscriptItem {
  number += 1;
  return {
    id: `item_${number.toString()}`,
    type: "message",
    role: "user",
    text: "Where is my order?",
    createdAt: "2026-11-27T12:00:05.000Z",
    interrupted: false,
    metrics: {},
    ...fields,
  };
}

export function recording(fields: Partial<Recording> = {}): Recording {
  number += 1;
  return {
    recordingId: `r-${number.toString()}`,
    sessionId: null,
    callId: null,
    source: "report",
    status: "available",
    contentType: "audio/ogg",
    sizeBytes: 4096,
    startedAt: "2026-11-27T12:00:01.000Z",
    durationSeconds: 60,
    createdAt: "2026-11-27T12:01:00.000Z",
    missingAt: null,
    egressId: null,
    error: null,
    ...fields,
  };
}

export function webhook(fields: Partial<Webhook> = {}): Webhook {
  number += 1;
  return {
    webhookId: `w-${number.toString()}`,
    url: "https://example.com/events",
    events: ["*"],
    description: "Updates the CRM.",
    status: "enabled",
    disabledAt: null,
    disabledReason: null,
    failingSince: null,
    previousSecretUntil: null,
    createdAt: "2026-11-27T12:00:00.000Z",
    updatedAt: "2026-11-27T12:00:00.000Z",
    ...fields,
  };
}

export function delivery(fields: Partial<Delivery> = {}): Delivery {
  number += 1;
  return {
    deliveryId: `d-${number.toString()}`,
    webhookId: "w-1",
    eventId: "e-1",
    event: "call.ended",
    status: "failed",
    attempts: [
      { at: "2026-11-27T12:00:01.000Z", statusCode: 503, error: "It answered 503.", durationMs: 31 },
    ],
    nextAttemptAt: null,
    createdAt: "2026-11-27T12:00:00.000Z",
    ...fields,
  };
}

export function inboxEntry(fields: Partial<InboxEntry> = {}): InboxEntry {
  number += 1;
  return {
    eventId: `EV_${number.toString()}`,
    kind: "participant_joined",
    roomName: "support-7",
    roomSid: "RM_1",
    status: "dead",
    receivedAt: "2026-11-27T12:00:00.000Z",
    handledAt: null,
    nextAttemptAt: null,
    failures: 10,
    outages: 0,
    lastError: "LiveKit answered with the status 500.",
    ...fields,
  };
}

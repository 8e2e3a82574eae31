/** Resources as the HTTP API shows them (docs/http-api.md). */

export interface TimelineEntry {
  at: string;
  what: string;
  source: string;
  detail?: string;
}

export interface Session {
  sessionId: string;
  roomName: string;
  roomSid: string | null;
  userIdentity: string;
  agentName: string;
  agentConfig: Record<string, unknown>;
  agentId: string | null;
  agentVersion: number | null;
  status: string;
  agentDispatched: boolean;
  dispatch: string;
  joinUntil: string | null;
  createdAt: string;
  dispatchedAt: string | null;
  activeAt: string | null;
  agentJoinedAt: string | null;
  agentLeftAt: string | null;
  agentJoinSeconds: number | null;
  agentAdopted: boolean;
  endedAt: string | null;
  endReason: string | null;
  callId: string | null;
  timeline: TimelineEntry[];
}

export interface Call {
  callId: string;
  sessionId: string | null;
  roomName: string;
  roomSid: string | null;
  direction: string;
  directionIs: string;
  from: string | null;
  to: string | null;
  trunkId: string | null;
  sipCallId: string | null;
  sipStatusCode: number | null;
  carrierCallId: string | null;
  participantIdentity: string;
  status: string;
  agentDispatched: boolean;
  createdAt: string;
  answeredAt: string | null;
  answeredAtIs: string;
  endedAt: string | null;
  durationSeconds: number | null;
  durationIs: string | null;
  disconnectReason: string | null;
  timeline: TimelineEntry[];
}

export interface AgentVersion {
  agentId: string;
  version: number;
  name: string;
  agentName: string | null;
  agentConfig: Record<string, unknown>;
  variables: Record<string, string | null>;
  description: string;
  createdAt: string;
}

export interface Agent extends AgentVersion {
  latestVersion: number;
  updatedAt: string;
}

export interface PhoneNumber {
  number: string;
  agentId: string;
  trunkId: string | null;
  /** The secret is shown once, to the request that set it or had it made. */
  preCallWebhook: { url: string; secret?: string } | null;
  createdAt: string;
  updatedAt: string;
}

export interface ApiKey {
  prefix: string;
  name: string;
  tenant: string;
  scopes: string[];
  state: "active" | "expired" | "revoked";
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  lastUsedAt: string | null;
}

export interface Readiness {
  status: "ready" | "not_ready" | "stopping";
  checks: Record<string, { status: "ok" | "failed"; error?: string }>;
  warnings: string[];
}

export interface ConsoleSession {
  state: "signed_in" | "open" | "signed_out";
  tenant?: string | null;
  scopes?: string[];
  expiresAt?: string;
  reason?: string;
}

/** An event of `GET /events`; `data` is the resource as its GET shows it. */
export interface DomainEvent {
  id: string;
  type: string;
  createdAt: string;
  occurredAt: string;
  sequence: number;
  tenant: string | null;
  sessionId: string | null;
  callId: string | null;
  source: string;
  data: unknown;
}

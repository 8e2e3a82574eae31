/** Webhooks and their deliveries as the HTTP API shows them (docs/webhooks.md). */

export interface Webhook {
  webhookId: string;
  url: string;
  events: string[];
  description: string | null;
  status: "enabled" | "disabled";
  disabledAt: string | null;
  disabledReason: string | null;
  failingSince: string | null;
  previousSecretUntil: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface WebhookWithSecret extends Webhook {
  secret: string;
}

export interface Attempt {
  at: string;
  statusCode: number | null;
  error: string | null;
  durationMs: number;
}

export interface Delivery {
  deliveryId: string;
  webhookId: string;
  eventId: string;
  event: string;
  status: "pending" | "succeeded" | "failed";
  attempts: Attempt[];
  nextAttemptAt: string | null;
  createdAt: string;
}

export interface TestAnswer {
  delivered: boolean;
  statusCode: number | null;
  error: string | null;
  durationMs: number;
}

/** The kinds of events that a webhook may get; `*` alone is all but those of resources. */
export const EVENT_KINDS = [
  "agent.activated",
  "agent.created",
  "agent.deleted",
  "agent.updated",
  "api_key.created",
  "api_key.revoked",
  "api_key.updated",
  "call.agent_dispatched",
  "call.answered",
  "call.corrected",
  "call.created",
  "call.ended",
  "call.failed",
  "call.ringing",
  "phone_number.created",
  "phone_number.deleted",
  "phone_number.updated",
  "recording.ready",
  "session.agent_dispatched",
  "session.agent_joined",
  "session.agent_left",
  "session.corrected",
  "session.created",
  "session.ended",
  "session.failed",
  "transcript.ready",
  "usage.ready",
  "webhook.created",
  "webhook.deleted",
  "webhook.disabled",
  "webhook.updated",
];
export const ALL_EVENTS = "*";

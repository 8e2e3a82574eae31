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

/** The kinds of events that a webhook may get; `*` alone is all of them. */
export const EVENT_KINDS = [
  "call.answered",
  "call.corrected",
  "call.created",
  "call.ended",
  "call.failed",
  "call.ringing",
  "recording.ready",
  "session.agent_joined",
  "session.agent_left",
  "session.corrected",
  "session.created",
  "session.ended",
  "session.failed",
  "transcript.ready",
  "usage.ready",
  "webhook.disabled",
];
export const ALL_EVENTS = "*";

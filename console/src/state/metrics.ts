/** What `GET /metrics` counts, as the console shows it. */

import { requestText } from "../api/client";

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Parse Prometheus' text format; what is not a sample is left out. */
export function samplesOf(text: string): Sample[] {
  const found: Sample[] = [];
  for (const line of text.split("\n")) {
    const [, name, labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    const number = Number(value.replace(/^([+-]?)Inf$/, "$1Infinity"));
    if (name === undefined || Number.isNaN(number)) continue;
    const pairs = [...labels.matchAll(LABEL)].map(([, key = "", text = ""]) => [key, text]);
    found.push({ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: number });
  }
  return found;
}

/** What waits in the service, and what its reconciler did; null where it is not known. */
export interface Backlog {
  pendingEvents: number | null;
  oldestEventSeconds: number | null;
  deadEvents: number | null;
  pendingDeliveries: number | null;
  oldestDeliverySeconds: number | null;
  heldEntries: number | null;
  /** Unix time in seconds; null where another replica reconciles. */
  reconciledAt: number | null;
  reconcilerFailures: number | null;
}

export async function readBacklog(): Promise<Backlog> {
  const samples = samplesOf(await requestText("/metrics"));
  const sum = (name: string, labels: Record<string, string> = {}) => {
    const found = samples.filter(
      (each) =>
        each.name === `backend_${name}` &&
        Object.entries(labels).every(([key, value]) => each.labels[key] === value),
    );
    return found.length === 0 ? null : found.reduce((total, each) => total + each.value, 0);
  };
  const reconciledAt = sum("reconciler_last_success_timestamp_seconds");
  return {
    pendingEvents: sum("inbox_events", { status: "pending" }),
    oldestEventSeconds: sum("inbox_oldest_pending_age_seconds"),
    deadEvents: sum("inbox_events", { status: "dead" }),
    pendingDeliveries: sum("webhook_pending_deliveries"),
    oldestDeliverySeconds: sum("webhook_oldest_pending_age_seconds"),
    heldEntries: sum("reconciler_held_entries"),
    reconciledAt: reconciledAt === 0 ? null : reconciledAt,
    reconcilerFailures: sum("reconciler_failures_total") ?? 0,
  };
}

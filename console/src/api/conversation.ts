/** What is known of a conversation: its transcript, recordings and usage (docs/http-api.md). */

export interface TranscriptItem {
  id: string;
  type: string;
  role: string | null;
  text: string | null;
  createdAt: string | null;
  interrupted: boolean;
  metrics: Record<string, unknown>;
  name?: string;
  arguments?: string;
  output?: string;
  toolCallId?: string;
  isError?: boolean;
  extra?: Record<string, unknown>;
  truncated?: boolean;
}

export interface Transcript {
  sessionId: string | null;
  callId: string | null;
  items: TranscriptItem[];
  final: boolean;
}

/** A result of a search; `excerpt` is HTML with what was found in `<mark>`. */
export interface Found {
  sessionId: string;
  callId: string | null;
  itemId: string;
  excerpt: string;
  createdAt: string;
}

export interface Recording {
  recordingId: string;
  sessionId: string | null;
  callId: string | null;
  source: "report" | "egress";
  status: "starting" | "active" | "ending" | "available" | "failed";
  contentType: string;
  sizeBytes: number | null;
  startedAt: string | null;
  durationSeconds: number | null;
  createdAt: string;
  missingAt: string | null;
  egressId: string | null;
  error: string | null;
}

export interface ModelUsage {
  type: string;
  provider: string;
  model: string;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  characters: number;
  requests: number;
  audioSeconds: number;
  sessionSeconds: number;
}

export interface Cost {
  amountMinor: number;
  amount: string;
  currency: string;
  priceTable: string;
  incomplete: boolean;
  unpriced: string[];
}

export interface Usage {
  models: ModelUsage[];
  cost: Cost | null;
}

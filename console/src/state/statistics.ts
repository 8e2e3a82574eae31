/** Statistics as `GET /statistics` answers them, and what is shown of them. */

import { withQuery } from "../api/client";
import type { DomainEvent } from "../api/types";
import { seconds } from "../ui/format";

export interface Cost {
  amount: string;
  currency: string;
  incomplete: boolean;
  unpriced: string[];
}

export interface Group {
  day?: string | null;
  /** When it begins. */
  minute?: string | null;
  agentName?: string | null;
  agentId?: string | null;
  sessions: number;
  liveSessions: number;
  unservedSessions: number;
  calls: number;
  answeredCalls: number;
  answerRate: number | null;
  failedCalls: number;
  sessionSecondsP50: number | null;
  sessionSecondsP95: number | null;
  callSecondsP50: number | null;
  callSecondsP95: number | null;
  agentJoinMsP50: number | null;
  agentJoinMsP95: number | null;
  turnMsP50: number | null;
  turnMsP95: number | null;
  turns: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  agentMinutes: number;
  callMinutes: number;
  cost: Cost | null;
}

export interface Statistics {
  from: string;
  to: string;
  groups: Group[];
}

export function statisticsPath(query: Record<string, string>, groupBy: string, csv = false): string {
  const path = csv ? "/statistics.csv" : "/statistics";
  return withQuery(path, { from: query["from"], to: query["to"], groupBy });
}

export interface Figure {
  title: string;
  /** The first is drawn, and a second one dashed. */
  values: ((group: Group) => number | null)[];
  /** What the values are, where there are two. */
  names?: [string, string];
  shown(value: number): string;
  /** What a value is multiplied by where it is drawn. */
  scale?: number;
}

const count = (value: number) => value.toLocaleString();
const rate = (value: number) => `${(value * 100).toFixed(1)} %`;
const latency = (value: number) => `${(value / 1000).toFixed(2)} s`;
const minutes = (value: number) => `${value.toLocaleString(undefined, { maximumFractionDigits: 1 })} min`;
const money = (value: number) => value.toLocaleString(undefined, { minimumFractionDigits: 2 });

export const FIGURES: Figure[] = [
  { title: "Sessions", values: [(group) => group.sessions], shown: count },
  { title: "Calls", values: [(group) => group.calls], shown: count },
  { title: "Answer rate", values: [(group) => group.answerRate], shown: rate, scale: 100 },
  {
    title: "Sessions without an agent, failed calls",
    values: [(group) => group.unservedSessions, (group) => group.failedCalls],
    names: ["sessions", "calls"],
    shown: count,
  },
  {
    title: "Duration of sessions",
    values: [(group) => group.sessionSecondsP50, (group) => group.sessionSecondsP95],
    names: ["p50", "p95"],
    shown: seconds,
  },
  {
    title: "Duration of calls",
    values: [(group) => group.callSecondsP50, (group) => group.callSecondsP95],
    names: ["p50", "p95"],
    shown: seconds,
  },
  {
    title: "Agent's join latency",
    values: [(group) => group.agentJoinMsP50, (group) => group.agentJoinMsP95],
    names: ["p50", "p95"],
    shown: latency,
    scale: 0.001,
  },
  {
    title: "Turn latency",
    values: [(group) => group.turnMsP50, (group) => group.turnMsP95],
    names: ["p50", "p95"],
    shown: latency,
    scale: 0.001,
  },
  {
    title: "Tokens",
    values: [(group) => group.inputTokens, (group) => group.outputTokens],
    names: ["input", "output"],
    shown: count,
  },
  {
    title: "Minutes",
    values: [(group) => group.agentMinutes, (group) => group.callMinutes],
    names: ["agents", "calls"],
    shown: minutes,
  },
  {
    title: "Cost",
    values: [(group) => (group.cost === null ? null : Number(group.cost.amount))],
    shown: money,
  },
];

/** Return a figure of a group in words: `p50 1.20 s, p95 3.10 s`. */
export function inWords({ values, names, shown }: Figure, group: Group): string {
  const found = values.map((value) => value(group));
  if (found.every((value) => value === null)) return "–";
  return found
    .map((value, index) => {
      const text = value === null ? "–" : shown(value);
      return names === undefined ? text : `${names[index] ?? ""} ${text}`;
    })
    .join(", ");
}

export function scaled({ scale = 1 }: Figure, value: number | null): number | null {
  return value === null ? null : value * scale;
}

/** Whether an event changes what is counted. */
export function isCounted({ type }: DomainEvent): boolean {
  return /^(session|call|usage|transcript)\./.test(type);
}

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Readiness } from "../api/types";
import { streamState } from "../live/live";
import { hashOf } from "../router";
import type { Backlog } from "../state/metrics";
import { may } from "../state/session";
import { seconds, timeOf } from "../ui/format";
import { Facts } from "../ui/parts";
import { Failed, Loading, Status } from "../ui/states";
import { useBacklog } from "../ui/use_backlog";
import { SELDOM, useNews } from "../ui/use_news";
import { useResource } from "../ui/use_resource";
import { Workers } from "./workers";

interface Health {
  version: string;
  uptimeSeconds: number;
  timestamp: string;
}

const NAMES: Record<string, string> = { livekit: "LiveKit", database: "Database" };

export function HealthView() {
  const ready = useResource<Readiness>("/health/ready");
  const health = useResource<Health>("/health");
  const backlog = useBacklog();
  const [askedAt, setAskedAt] = useState(new Date());
  const ask = () => {
    setAskedAt(new Date());
    void ready.reload();
    void health.reload();
  };
  const askAll = () => {
    ask();
    backlog.reload();
  };
  useNews(ask, SELDOM); // the backlog follows by itself
  // That the service is gone, or back, is no event of its own.
  const stream = streamState.value.is;
  const before = useRef(stream);
  useEffect(() => {
    if (before.current !== stream) askAll();
    before.current = stream;
  }, [stream]);
  const { value, error } = ready;
  return (
    <>
      <h1>Health</h1>
      <p>
        <button type="button" onClick={askAll}>
          Ask again
        </button>{" "}
        <span class="dim">asked at {timeOf(askedAt.toISOString())}</span>
      </p>
      {error !== null && <Failed error={error} retry={askAll} />}
      {value === null && error === null && <Loading what="the state of the service" />}
      {value !== null && error === null && (
        <>
          <Facts
            facts={[
              ["Service", <Status key="service" status={value.status} />],
              ...Object.entries(value.checks).map(([name, check]): [string, ComponentChildren] => [
                NAMES[name] ?? name,
                <>
                  <Status status={check.status} /> {check.error}
                </>,
              ]),
              ["Live stream", stream === "live" ? "connected" : stream],
              ["Version", health.value?.version ?? "–"],
              ["Process started", started(health.value)],
            ]}
          />
          {value.warnings.length > 0 && (
            <section aria-label="Warnings">
              <h2>Warnings</h2>
              <ul>
                {value.warnings.map((warning) => (
                  <li key={warning}>{warning}</li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
      {may("admin") && (
        <section aria-label="Reconciler and backlog">
          <h2>Reconciler and backlog</h2>
          {backlog.error !== null && <Failed error={backlog.error} retry={backlog.reload} />}
          {backlog.value !== null && <Facts facts={factsOf(backlog.value)} />}
        </section>
      )}
      {may("calls:read", "sessions:write") && <Workers asked={askedAt} />}
    </>
  );
}

function factsOf(backlog: Backlog): [string, ComponentChildren][] {
  const { reconciledAt, deadEvents } = backlog;
  return [
    [
      "Reconciled last",
      reconciledAt === null
        ? "not by this process: another replica does, or it has just started"
        : timeOf(new Date(reconciledAt * 1000).toISOString()),
    ],
    ["Rooms not reconciled since the start", count(backlog.reconcilerFailures)],
    ["Entries held until LiveKit confirms", count(backlog.heldEntries)],
    ["LiveKit's webhooks waiting", waiting(backlog.pendingEvents, backlog.oldestEventSeconds)],
    [
      "LiveKit's webhooks given up",
      <a key="dead" href={hashOf(["dead-letters"])}>
        {count(deadEvents)}
      </a>,
    ],
    ["Deliveries waiting", waiting(backlog.pendingDeliveries, backlog.oldestDeliverySeconds)],
  ];
}

function count(value: number | null): string {
  return value === null ? "unknown" : value.toLocaleString();
}

function waiting(number: number | null, oldest: number | null): string {
  if (number === null || number === 0 || oldest === null) return count(number);
  return `${count(number)}, the oldest for ${seconds(oldest)}`;
}

function started(health: Health | null): string {
  if (health === null) return "–";
  return timeOf(new Date(Date.parse(health.timestamp) - health.uptimeSeconds * 1000).toISOString());
}

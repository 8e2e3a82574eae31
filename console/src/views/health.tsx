import { useState } from "preact/hooks";
import type { Readiness } from "../api/types";
import { streamState } from "../live/live";
import { timeOf } from "../ui/format";
import { Facts } from "../ui/parts";
import { Failed, Loading, Status } from "../ui/states";
import { useResource } from "../ui/use_resource";

interface Health {
  version: string;
  uptimeSeconds: number;
  timestamp: string;
}

const NAMES: Record<string, string> = { livekit: "LiveKit", database: "Database" };

export function HealthView() {
  const ready = useResource<Readiness>("/health/ready");
  const health = useResource<Health>("/health");
  const [askedAt, setAskedAt] = useState(new Date());
  const ask = () => {
    setAskedAt(new Date());
    void ready.reload();
    void health.reload();
  };
  const { value, error } = ready;
  return (
    <>
      <h1>Health</h1>
      <p>
        <button type="button" onClick={ask}>
          Ask again
        </button>{" "}
        <span class="dim">asked at {timeOf(askedAt.toISOString())}</span>
      </p>
      {error !== null && <Failed error={error} retry={ask} />}
      {value === null && error === null && <Loading what="the state of the service" />}
      {value !== null && (
        <>
          <Facts
            facts={[
              ["Service", <Status key="service" status={value.status} />],
              ...Object.entries(value.checks).map(
                ([name, check]): [string, preact.ComponentChildren] => [
                  NAMES[name] ?? name,
                  <>
                    <Status status={check.status} /> {check.error}
                  </>,
                ],
              ),
              ["Live stream", words(streamState.value.is)],
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
    </>
  );
}

function started(health: Health | null): string {
  if (health === null) return "–";
  return timeOf(new Date(Date.parse(health.timestamp) - health.uptimeSeconds * 1000).toISOString());
}

function words(state: string): string {
  return state === "live" ? "connected" : state;
}

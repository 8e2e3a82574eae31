/** Deliveries of events to webhooks: what was answered, when it is tried again, and redelivery. */

import { useState } from "preact/hooks";
import { request, withQuery } from "../api/client";
import type { Delivery } from "../api/webhooks";
import { may } from "../state/session";
import { timeOf } from "../ui/format";
import { RawJson } from "../ui/parts";
import { Failed, Loading, Status } from "../ui/states";
import { useAction } from "../ui/use_action";
import { useFollowedPages } from "../ui/use_followed";
import { BUSY } from "../ui/use_news";

const STATUSES = ["pending", "succeeded", "failed"];

/** A webhook's deliveries, with a filter. */
export function WebhookDeliveries({ path }: { path: string }) {
  const [status, setStatus] = useState("");
  return (
    <>
      <h2>Deliveries</h2>
      <p class="actions" role="group" aria-label="Which deliveries">
        {["", ...STATUSES].map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === status}
            onClick={() => {
              setStatus(each);
            }}
          >
            {each === "" ? "all" : each}
          </button>
        ))}
      </p>
      <Deliveries key={status} path={withQuery(path, { status })} />
    </>
  );
}

function Deliveries({ path }: { path: string }) {
  const { items, error, complete, more, reload } = useFollowedPages<Delivery>(
    path,
    "deliveries",
    () => true,
    BUSY,
    ["deliveries"],
  );
  if (error !== null) return <Failed error={error} retry={() => void reload()} />;
  if (items === null) return <Loading what="deliveries" />;
  return (
    <>
      {items.length === 0 && (
        <p class="dim">None. A webhook gets the events that happen after it was added.</p>
      )}
      <DeliveryList deliveries={items} changed={() => void reload()} />
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Older deliveries
        </button>
      )}
    </>
  );
}

interface ListProps {
  deliveries: readonly Delivery[];
  changed(): void;
}

export function DeliveryList({ deliveries, changed }: ListProps) {
  return (
    <ul class="versions" aria-label="Deliveries">
      {deliveries.map((delivery) => (
        <DeliveryRow key={delivery.deliveryId} delivery={delivery} changed={changed} />
      ))}
    </ul>
  );
}

function DeliveryRow({ delivery, changed }: { delivery: Delivery; changed(): void }) {
  const { busy, error, run } = useAction();
  const { deliveryId, event, status, attempts, nextAttemptAt, createdAt } = delivery;
  const last = attempts.at(-1);
  const redeliver = async () => {
    await request("POST", `/deliveries/${encodeURIComponent(deliveryId)}/redeliver`);
    changed();
  };
  return (
    <li>
      <details>
        <summary>
          {event} <Status status={status} />{" "}
          <span class="dim">
            {timeOf(createdAt)} · {attemptsOf(attempts.length)}
            {last !== undefined && `, the last answered ${last.statusCode?.toString() ?? "nothing"}`}
            {nextAttemptAt !== null && last !== undefined && ` · next attempt ${timeOf(nextAttemptAt)}`}
          </span>
        </summary>
        <ol class="attempts">
          {attempts.map((attempt, index) => (
            <li key={index}>
              {timeOf(attempt.at)}: {attempt.statusCode ?? "no status"} after {attempt.durationMs} ms{" "}
              {attempt.error}
            </li>
          ))}
        </ol>
        <RawJson value={delivery} path={`/webhooks/${delivery.webhookId}/deliveries`} />
      </details>
      {error !== null && <Failed error={error} />}
      {may("webhooks:write") && (
        <button
          type="button"
          disabled={busy}
          aria-label={`Redeliver ${event} of ${timeOf(createdAt)}`}
          onClick={() => void run(redeliver)}
        >
          Redeliver
        </button>
      )}
    </li>
  );
}

function attemptsOf(count: number): string {
  if (count === 0) return "not attempted yet";
  return count === 1 ? "1 attempt" : `${count.toString()} attempts`;
}

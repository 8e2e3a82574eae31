/** The events of a session or a call that were sent, and what webhooks answered. */

import type { DomainEvent } from "../api/types";
import type { Delivery } from "../api/webhooks";
import { may } from "../state/session";
import { sourceOf, timeOf } from "../ui/format";
import { RawJson } from "../ui/parts";
import { Failed, Loading, Status } from "../ui/states";
import { useFollowedPages } from "../ui/use_followed";
import { OF_RECORD } from "../ui/use_news";
import { DeliveryList } from "./deliveries";

interface Props {
  /** The session's or the call's route. */
  path: string;
  /** Where its deliveries are. */
  deliveries: string;
  concerns(event: DomainEvent): boolean;
}

export function EventsPanel({ path, deliveries, concerns }: Props) {
  const events = useFollowedPages<DomainEvent>(`${path}/events`, "events", concerns);
  const { items, error, complete, more, reload } = events;
  const mayRead = may("webhooks:read", "webhooks:write");
  return (
    <>
      <h2>Events sent</h2>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="events" />}
      {items?.length === 0 && (
        <p class="dim">
          No event is stored any more: events are kept for <code>EVENT_RETENTION_DAYS</code>.
        </p>
      )}
      {items !== null &&
        items.length > 0 &&
        (mayRead ? (
          <WithDeliveries events={items} path={deliveries} concerns={concerns} />
        ) : (
          <EventList events={items} deliveries={null} changed={() => undefined} />
        ))}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Older events
        </button>
      )}
    </>
  );
}

interface WithDeliveriesProps {
  events: readonly DomainEvent[];
  path: string;
  concerns(event: DomainEvent): boolean;
}

function WithDeliveries({ events, path, concerns }: WithDeliveriesProps) {
  const deliveries = useFollowedPages<Delivery>(path, "deliveries", concerns, OF_RECORD, [
    "deliveries",
  ]);
  const { items, error, complete, more, reload } = deliveries;
  return (
    <>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      <EventList events={events} deliveries={items} changed={() => void reload()} />
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Older deliveries
        </button>
      )}
    </>
  );
}

interface ListProps {
  events: readonly DomainEvent[];
  deliveries: readonly Delivery[] | null;
  changed(): void;
}

function EventList({ events, deliveries, changed }: ListProps) {
  return (
    <ul class="versions" aria-label="Events">
      {events.map((event) => {
        const of = deliveries?.filter((delivery) => delivery.eventId === event.id) ?? [];
        return (
          <li key={event.id}>
            <details>
              <summary>
                {event.type}{" "}
                <span class="dim">
                  {timeOf(event.occurredAt)} · reported by {sourceOf(event.source)}
                </span>{" "}
                {statuses(of).map(([status, count]) => (
                  <span key={status}>
                    <Status status={status} /> <span class="dim">{count > 1 && `× ${count.toString()}`}</span>{" "}
                  </span>
                ))}
              </summary>
              {of.length > 0 && <DeliveryList deliveries={of} changed={changed} />}
              {deliveries !== null && of.length === 0 && (
                <p class="dim">No webhook wanted it when it happened.</p>
              )}
              <RawJson value={event} path="/events" name="Raw event" />
            </details>
          </li>
        );
      })}
    </ul>
  );
}

function statuses(deliveries: readonly Delivery[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { status } of deliveries) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts];
}

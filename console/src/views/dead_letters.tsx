/** What was set aside: webhooks of LiveKit's, and deliveries to webhooks. */

import type { Delivery, Webhook } from "../api/webhooks";
import { hashOf } from "../router";
import { may } from "../state/session";
import { Failed, Loading } from "../ui/states";
import { useFollowedPages } from "../ui/use_followed";
import { BUSY, SELDOM } from "../ui/use_news";
import { DeliveryList } from "./deliveries";
import { InboxEntries } from "./inbox";

const ANY = () => true;

export function DeadLettersView() {
  return (
    <>
      <h1>Dead letters</h1>
      {may("admin") && (
        <section aria-labelledby="dead-inbox">
          <h2 id="dead-inbox">LiveKit's webhooks</h2>
          <p class="dim">
            Set aside after ten failures, or a day of outages. A replay handles one again as if it
            had just come in; what is known already is not changed by it.
          </p>
          <InboxEntries
            filter={{ status: "dead" }}
            concerns={ANY}
            pace={BUSY}
            none="None: each webhook of LiveKit's was processed, or will be tried again."
          />
        </section>
      )}
      {may("webhooks:read", "webhooks:write") && (
        <section aria-labelledby="dead-deliveries">
          <h2 id="dead-deliveries">Deliveries that failed</h2>
          <p class="dim">
            Set aside after a day without success, or while the webhook was disabled. Correct the
            receiver, then redeliver.
          </p>
          <FailedDeliveries />
        </section>
      )}
    </>
  );
}

function FailedDeliveries() {
  const { items, error, reload } = useFollowedPages<Webhook>(
    "/webhooks",
    "webhooks",
    (event) => event.type.startsWith("webhook."),
  );
  if (error !== null) return <Failed error={error} retry={() => void reload()} />;
  if (items === null) return <Loading what="webhooks" />;
  if (items.length === 0) return <p class="dim">None: there are no webhooks.</p>;
  return (
    <>
      {items.map((webhook) => (
        <OfWebhook key={webhook.webhookId} webhook={webhook} />
      ))}
    </>
  );
}

function OfWebhook({ webhook }: { webhook: Webhook }) {
  const path = `/webhooks/${encodeURIComponent(webhook.webhookId)}/deliveries?status=failed`;
  const { items, error, complete, more, reload } = useFollowedPages<Delivery>(
    path,
    "deliveries",
    ANY,
    SELDOM,
    ["deliveries"],
  );
  return (
    <>
      <h3>
        <a href={hashOf(["webhooks", webhook.webhookId])}>{webhook.url}</a>
      </h3>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="deliveries" />}
      {items?.length === 0 && <p class="dim">None.</p>}
      {items !== null && <DeliveryList deliveries={items} changed={() => void reload()} />}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Older deliveries
        </button>
      )}
    </>
  );
}

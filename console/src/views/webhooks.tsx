import { useState } from "preact/hooks";
import { request } from "../api/client";
import type { Webhook, WebhookWithSecret } from "../api/webhooks";
import { hashOf } from "../router";
import { may } from "../state/session";
import { timeOf } from "../ui/format";
import { ShownOnce } from "../ui/shown_once";
import { Empty, Failed, Loading, Status } from "../ui/states";
import { useFollowedPages } from "../ui/use_followed";
import { OF_RECORD } from "../ui/use_news";
import { WebhookForm } from "./webhook_form";

export function WebhooksView() {
  const { items, error, complete, more, reload } = useFollowedPages<Webhook>(
    "/webhooks",
    "webhooks",
    (event) => event.type.startsWith("webhook."),
    OF_RECORD,
    ["deliveries"], // the first failed attempt has no event
  );
  const [made, setMade] = useState<WebhookWithSecret | null>(null);
  const add = async (body: unknown) => {
    setMade(await request<WebhookWithSecret>("POST", "/webhooks", { body }));
    await reload();
  };
  return (
    <>
      <h1>Webhooks</h1>
      {made !== null && (
        <ShownOnce
          label="The new secret"
          secret={made.secret}
          done={() => {
            setMade(null);
          }}
        >
          The secret that signs requests to <strong>{made.url}</strong>, shown this once only. Give
          it to the receiver:
        </ShownOnce>
      )}
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="webhooks" />}
      {items?.length === 0 && (
        <Empty>
          <p>
            There are no webhooks yet. A webhook sends what happens to sessions and calls to a URL
            of yours (docs/how-to/receive-webhooks.md).
          </p>
        </Empty>
      )}
      {items !== null && items.length > 0 && <List webhooks={items} />}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          More webhooks
        </button>
      )}
      {may("webhooks:write") && <WebhookForm title="Add a webhook" save="Add" submit={add} />}
    </>
  );
}

function List({ webhooks }: { webhooks: Webhook[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">URL</th>
          <th scope="col">Description</th>
          <th scope="col">Events</th>
          <th scope="col">Status</th>
          <th scope="col">Created</th>
        </tr>
      </thead>
      <tbody>
        {webhooks.map((webhook) => (
          <tr key={webhook.webhookId}>
            <th scope="row">
              <a href={hashOf(["webhooks", webhook.webhookId])}>{webhook.url}</a>
            </th>
            <td>{webhook.description ?? "–"}</td>
            <td data-label="Events">{eventsOf(webhook)}</td>
            <td>
              <WebhookStatus webhook={webhook} />
            </td>
            <td data-label="Created">{timeOf(webhook.createdAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function eventsOf({ events }: Webhook): string {
  return events.includes("*") ? "all of sessions and calls" : events.join(", ");
}

const REASONS: Record<string, string> = {
  gone: "the receiver answered 410",
  failing: "it failed for a day",
  request: "by a request",
};

export function WebhookStatus({ webhook }: { webhook: Webhook }) {
  const { status, disabledReason, failingSince } = webhook;
  return (
    <>
      <Status status={status} />{" "}
      {disabledReason !== null && (
        <span class="dim">{REASONS[disabledReason] ?? disabledReason}</span>
      )}
      {status === "enabled" && failingSince !== null && (
        <span class="failed">failing since {timeOf(failingSince)}</span>
      )}
    </>
  );
}

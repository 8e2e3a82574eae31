import { useState } from "preact/hooks";
import { request } from "../api/client";
import type { TestAnswer, Webhook, WebhookWithSecret } from "../api/webhooks";
import { hashOf } from "../router";
import { may } from "../state/session";
import { timeOf } from "../ui/format";
import { Facts, RawJson } from "../ui/parts";
import { ShownOnce } from "../ui/shown_once";
import { Failed, Loading } from "../ui/states";
import { useAction } from "../ui/use_action";
import { useFollowed } from "../ui/use_followed";
import { OF_RECORD } from "../ui/use_news";
import { WebhookDeliveries } from "./deliveries";
import { WebhookForm } from "./webhook_form";
import { eventsOf, WebhookStatus } from "./webhooks";

export function WebhookView({ id }: { id: string }) {
  const path = `/webhooks/${encodeURIComponent(id)}`;
  const webhook = useFollowed<Webhook>(
    path,
    (event) => event.type.startsWith("webhook."),
    OF_RECORD,
    ["deliveries"], // the first failed attempt has no event
  );
  const { value } = webhook;
  if (value === null) {
    return (
      <>
        <h1>Webhook</h1>
        {webhook.error ? (
          <Failed error={webhook.error} retry={() => void webhook.reload()} />
        ) : (
          <Loading what="the webhook" />
        )}
      </>
    );
  }
  const change = async (body: unknown) => {
    webhook.set(await request<Webhook>("PATCH", path, { body }));
  };
  return (
    <>
      <p class="crumbs">
        <a href={hashOf(["webhooks"])}>Webhooks</a>
      </p>
      <h1>{value.url}</h1>
      {value.description !== null && <p class="text">{value.description}</p>}
      <Facts
        facts={[
          ["Status", <WebhookStatus key="status" webhook={value} />],
          ["Events", eventsOf(value)],
          ["Created", timeOf(value.createdAt)],
          ["Changed", timeOf(value.updatedAt)],
          ["Old secrets sign until", timeOf(value.previousSecretUntil)],
          ["Webhook id", <code key="id">{value.webhookId}</code>],
        ]}
      />
      {may("webhooks:write") && (
        <Actions path={path} webhook={value} change={change} changed={webhook.set} />
      )}
      <WebhookDeliveries path={`${path}/deliveries`} />
      {may("webhooks:write") && (
        <WebhookForm
          key={JSON.stringify([value.url, value.description, value.events])}
          title="Change it"
          save="Save"
          webhook={value}
          submit={change}
        />
      )}
      <RawJson value={value} path={path} />
    </>
  );
}

interface ActionsProps {
  path: string;
  webhook: Webhook;
  change(body: unknown): Promise<void>;
  changed(webhook: Webhook): void;
}

function Actions({ path, webhook, change, changed }: ActionsProps) {
  const { busy, error, run } = useAction();
  const [secret, setSecret] = useState<string | null>(null);
  const [answer, setAnswer] = useState<TestAnswer | null>(null);
  const enabled = webhook.status === "enabled";

  const test = async () => {
    setAnswer(null);
    setAnswer(await request<TestAnswer>("POST", `${path}/test`));
  };
  const rotate = async () => {
    const rotated = await request<WebhookWithSecret>("POST", `${path}/rotate-secret`);
    const { secret: fresh, ...rest } = rotated;
    setSecret(fresh);
    changed(rest);
  };
  const remove = async () => {
    await request("DELETE", path);
    location.hash = hashOf(["webhooks"]);
  };
  const askedTo = (question: string, action: () => Promise<void>) => {
    if (confirm(question)) void run(action);
  };
  return (
    <>
      <p class="actions">
        <button type="button" disabled={busy} onClick={() => void run(test)}>
          Send a test
        </button>
        <button
          type="button"
          disabled={busy}
          onClick={() => void run(() => change({ status: enabled ? "disabled" : "enabled" }))}
        >
          {enabled ? "Disable" : "Enable"}
        </button>
        <button
          type="button"
          disabled={busy}
          onClick={() => {
            askedTo("Replace the secret? The old one also signs for 24 hours.", rotate);
          }}
        >
          Rotate the secret
        </button>
        <button
          type="button"
          disabled={busy}
          onClick={() => {
            askedTo(`Delete the webhook to ${webhook.url}, and what waits for it?`, remove);
          }}
        >
          Delete
        </button>
      </p>
      {error !== null && <Failed error={error} />}
      {answer !== null && <TestResult answer={answer} />}
      {secret !== null && (
        <ShownOnce
          label="The new secret"
          secret={secret}
          done={() => {
            setSecret(null);
          }}
        >
          The new secret, shown this once only. Give it to the receiver within 24 hours:
        </ShownOnce>
      )}
    </>
  );
}

function TestResult({ answer }: { answer: TestAnswer }) {
  return (
    <p role="status" class={answer.delivered ? "" : "failed"}>
      {answer.delivered
        ? `The receiver confirmed the test with ${answer.statusCode?.toString() ?? "–"}`
        : `The test was not delivered: ${answer.error ?? "no answer"}`}{" "}
      ({answer.durationMs} ms)
    </p>
  );
}

/** A new phone number, or the agent and webhook of one. */

import { useState } from "preact/hooks";
import { request } from "../api/client";
import type { PhoneNumber } from "../api/types";
import { ResourceForm } from "../forms/resource_form";
import type { Schema } from "../forms/schema";
import type { Choice } from "../forms/schema_form";
import { useSchema } from "../forms/use_schema";
import { go, hashOf } from "../router";
import { may } from "../state/session";
import { Failed, Loading } from "../ui/states";
import { useAgents } from "../ui/use_agents";
import { useResource } from "../ui/use_resource";

const BACK = hashOf(["phone-numbers"]);

/** Return what names this entry in a path: a number may be stored for several trunks. */
export function entryOf({ number, trunkId }: PhoneNumber): string {
  return trunkId === null ? number : `${number}@${trunkId}`;
}

export function NewNumberView() {
  const { schema, error, reload } = useSchema("AddPhoneNumberRequest");
  const choices = useChoices();
  const [made, setMade] = useState<PhoneNumber | null>(null);
  return (
    <>
      <Crumbs />
      <h1>Add a number</h1>
      {error !== null && <Failed error={error} retry={reload} />}
      {(schema === null || choices === null) && error === null && <Loading what="the form" />}
      <Secret number={made} />
      {schema !== null && choices !== null && made === null && (
        <ResourceForm
          label="Add a number"
          schema={schema}
          initial={{}}
          choices={choices}
          action="Add the number"
          back={BACK}
          send={async (body) => {
            const number = await request<PhoneNumber>("POST", "/phone-numbers", { body });
            if (number.preCallWebhook?.secret === undefined) go(["phone-numbers"]);
            else setMade(number);
          }}
        />
      )}
    </>
  );
}

export function EditNumberView({ entry }: { entry: string }) {
  const path = `/phone-numbers/${encodeURIComponent(entry)}`;
  const { schema, ...form } = useSchema("ChangePhoneNumberRequest");
  const { value: number, ...read } = useResource<PhoneNumber>(path);
  const choices = useChoices();
  const [made, setMade] = useState<PhoneNumber | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const error = form.error ?? read.error;
  const ready = schema !== null && number !== null && choices !== null;

  const change = async (body: Record<string, unknown>) => {
    const changed = await request<PhoneNumber>("PATCH", path, { body });
    if (changed.preCallWebhook?.secret === undefined) go(["phone-numbers"]);
    else setMade(changed);
  };
  const attempt = (action: () => Promise<void>) => {
    setFailure(null);
    action().catch(setFailure);
  };
  const remove = async () => {
    if (!confirm(`Delete ${entry}? Calls to it are then answered by the default agent.`)) return;
    await request("DELETE", path);
    go(["phone-numbers"]);
  };

  return (
    <>
      <Crumbs />
      <h1>{entry}</h1>
      {error !== null && (
        <Failed
          error={error}
          retry={() => {
            form.reload();
            void read.reload();
          }}
        />
      )}
      {!ready && error === null && <Loading what="the number" />}
      <Secret number={made} />
      {ready && made === null && (
        <ResourceForm
          label="Change the number"
          schema={permitted(schema)}
          initial={definition(number)}
          choices={choices}
          action="Save"
          back={BACK}
          send={async (value) => {
            const names = Object.keys(permitted(schema).properties ?? {});
            await change(Object.fromEntries(names.map((name) => [name, value[name] ?? null])));
          }}
        >
          {number.preCallWebhook !== null && (
            <button
              type="button"
              onClick={() => {
                attempt(() => change({ preCallWebhook: { secret: null } }));
              }}
            >
              Make a new secret
            </button>
          )}{" "}
          <button
            type="button"
            onClick={() => {
              attempt(remove);
            }}
          >
            Delete
          </button>
        </ResourceForm>
      )}
      {failure !== null && <Failed error={failure} />}
    </>
  );
}

function Crumbs() {
  return (
    <p class="crumbs">
      <a href={BACK}>Phone numbers</a>
    </p>
  );
}

function Secret({ number }: { number: PhoneNumber | null }) {
  if (number === null) return null;
  return (
    <section class="made" role="status" aria-label="The webhook's secret">
      <p>
        The secret that signs requests to {number.preCallWebhook?.url}, shown this once only:
      </p>
      <p>
        <code class="secret">{number.preCallWebhook?.secret}</code> <a href={BACK}>Done</a>
      </p>
    </section>
  );
}

/** Another trunk is the operator's to choose. */
function permitted(schema: Schema): Schema {
  const { trunkId, ...others } = schema.properties ?? {};
  return { ...schema, properties: may("admin") && trunkId ? { ...others, trunkId } : others };
}

function definition({ agentId, trunkId, preCallWebhook }: PhoneNumber) {
  return { agentId, trunkId, preCallWebhook };
}

/** Return the agents to choose from; without any the field takes an id. Null while they come. */
function useChoices(): Readonly<Record<string, readonly Choice[]>> | null {
  const agents = useAgents();
  if (agents === null) return null;
  if (agents.length === 0) return {};
  return { agentId: agents.map((agent) => ({ value: agent.agentId, label: agent.name })) };
}

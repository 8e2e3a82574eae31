/** A new agent, or a new version of one. */

import { isExact, request, requestText } from "../api/client";
import type { Agent } from "../api/types";
import { ResourceForm } from "../forms/resource_form";
import { useSchema } from "../forms/use_schema";
import { go, hashOf } from "../router";
import { Failed, Loading } from "../ui/states";
import { useResource } from "../ui/use_resource";

const INEXACT =
  "The agent's configuration has a number with more digits than a browser can hold. Change it " +
  "with PATCH /agents or `backend agents apply`.";
const SCHEMA = "CreateAgentRequest";

export function NewAgentView() {
  const { schema, error, reload } = useSchema(SCHEMA);
  return (
    <>
      <p class="crumbs">
        <a href={hashOf(["agents"])}>Agents</a>
      </p>
      <h1>New agent</h1>
      {error !== null && <Failed error={error} retry={reload} />}
      {schema === null && error === null && <Loading what="the form" />}
      {schema !== null && (
        <ResourceForm
          label="New agent"
          schema={schema}
          initial={{}}
          action="Create the agent"
          back={hashOf(["agents"])}
          send={async (body) => {
            const made = await request<Agent>("POST", "/agents", { body });
            go(["agents", made.agentId]);
          }}
        />
      )}
    </>
  );
}

export function EditAgentView({ id }: { id: string }) {
  const path = `/agents/${encodeURIComponent(id)}`;
  const { schema, ...form } = useSchema(SCHEMA);
  const { value: agent, ...read } = useResource<Agent>(path);
  const error = form.error ?? read.error;
  const back = hashOf(["agents", id]);
  return (
    <>
      <p class="crumbs">
        <a href={hashOf(["agents"])}>Agents</a> / <a href={back}>{agent?.name ?? "agent"}</a>
      </p>
      <h1>Edit {agent?.name ?? "agent"}</h1>
      {error !== null && (
        <Failed
          error={error}
          retry={() => {
            form.reload();
            void read.reload();
          }}
        />
      )}
      {(schema === null || agent === null) && error === null && <Loading what="the agent" />}
      {schema !== null && agent !== null && (
        <>
          <p class="dim">
            Saving makes a new version, which is active at once. Running sessions keep the version
            that they began with.
          </p>
          <ResourceForm
            label="Edit agent"
            schema={schema}
            initial={definition(agent)}
            action="Save a new version"
            back={back}
            send={async (value) => {
              if (!isExact(await requestText(path))) throw new Error(INEXACT);
              // What the form leaves out is the field's default, not what was saved before.
              const names = Object.keys(schema.properties ?? {});
              const body = Object.fromEntries(names.map((name) => [name, value[name] ?? null]));
              await request<Agent>("PATCH", path, { body: { ...body, version: agent.version } });
              go(["agents", id]);
            }}
          />
        </>
      )}
    </>
  );
}

function definition({ name, agentName, agentConfig, variables, description }: Agent) {
  return { name, agentName, agentConfig, variables, description };
}

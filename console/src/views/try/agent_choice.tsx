/** Which agent is tried, and with what configuration. */

import { useId } from "preact/hooks";
import type { Agent } from "../../api/types";
import type { Problem } from "../../forms/schema";
import type { Choice } from "../../talk/start";
import { TextField } from "../../ui/fields";
import { ConfigFields } from "./config_fields";

const DEFAULT = "";
const WORKER = "worker";

interface Props {
  agents: Agent[];
  choice: Choice;
  change(choice: Choice): void;
  problems: Problem[];
}

export function AgentChoice({ agents, choice, change, problems }: Props) {
  const id = useId();
  const agent = agents.find((each) => each.agentId === choice.agentId);
  const kind = choice.agentName !== "" ? WORKER : choice.agentId;
  const choose = (chosen: string) => {
    const isWorker = chosen === WORKER;
    change({
      agentId: isWorker ? "" : chosen,
      agentName: isWorker ? " " : "",
      config: choice.config,
      variables: {},
    });
  };
  return (
    <>
      <div class="field">
        <label for={id}>Agent</label>
        <select
          id={id}
          value={kind}
          onChange={(event) => {
            choose(event.currentTarget.value);
          }}
        >
          <option value={DEFAULT}>the service's default (AGENT_NAME)</option>
          {choice.agentId !== "" && agent === undefined && (
            <option value={choice.agentId}>{choice.agentId}</option>
          )}
          {agents.map((each) => (
            <option key={each.agentId} value={each.agentId}>
              {each.name}
            </option>
          ))}
          <option value={WORKER}>another worker, by its name</option>
        </select>
      </div>
      {kind === WORKER && (
        <TextField
          label="Worker's name"
          required
          value={choice.agentName.trim()}
          change={(agentName) => {
            change({ ...choice, agentName: agentName === "" ? " " : agentName });
          }}
        />
      )}
      {Object.entries(agent?.variables ?? {}).map(([name, byDefault]) => (
        <TextField
          key={name}
          label={`Variable ${name}`}
          value={choice.variables[name] ?? ""}
          placeholder={byDefault ?? ""}
          required={byDefault === null}
          change={(value) => {
            const given = Object.entries({ ...choice.variables, [name]: value });
            const variables = Object.fromEntries(given.filter(([, each]) => each !== ""));
            change({ ...choice, variables });
          }}
        />
      ))}
      <ConfigFields
        merged={agent !== undefined}
        value={choice.config}
        change={(config) => {
          change({ ...choice, config });
        }}
        problems={problems}
      />
    </>
  );
}

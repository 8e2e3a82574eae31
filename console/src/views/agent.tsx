import { useRef, useState } from "preact/hooks";
import { request } from "../api/client";
import type { Agent, AgentVersion } from "../api/types";
import { ofKind } from "../live/concerns";
import { go, hashOf } from "../router";
import { may } from "../state/session";
import { type Change, changes, lines } from "../ui/diff";
import { timeOf } from "../ui/format";
import { Configuration, Facts, RawJson } from "../ui/parts";
import { Failed, Loading } from "../ui/states";
import { useFollowed, useFollowedPages } from "../ui/use_followed";

const DELETION =
  "Delete this agent and its versions? Running sessions keep their configuration. Calls to its " +
  "phone numbers are then answered by the service's default agent.";

export function AgentView({ id }: { id: string }) {
  const path = `/agents/${encodeURIComponent(id)}`;
  const agent = useFollowed<Agent>(path, ofKind("agent"));
  const [failure, setFailure] = useState<Error | null>(null);
  const { value } = agent;

  const remove = async () => {
    if (!confirm(DELETION)) return;
    try {
      await request("DELETE", path);
      go(["agents"]);
    } catch (raised) {
      setFailure(raised as Error);
    }
  };

  if (value === null) {
    return (
      <>
        <h1>Agent</h1>
        {agent.error ? (
          <Failed error={agent.error} retry={() => void agent.reload()} />
        ) : (
          <Loading what="the agent" />
        )}
      </>
    );
  }
  return (
    <>
      <p class="crumbs">
        <a href={hashOf(["agents"])}>Agents</a>
      </p>
      <h1>{value.name}</h1>
      {value.description !== "" && <p class="text">{value.description}</p>}
      {may("agents:write") && (
        <p class="actions">
          <a class="button" href={hashOf(["agents", id, "edit"])}>
            Edit
          </a>{" "}
          <button type="button" onClick={() => void remove()}>
            Delete
          </button>
        </p>
      )}
      {may("sessions:write") && (
        <p>
          <a href={hashOf(["try"], { agent: id })}>Talk to this agent</a>
        </p>
      )}
      {failure !== null && <Failed error={failure} />}
      <Facts
        facts={[
          ["Worker", value.agentName ?? "the default"],
          ["Active version", value.version.toString()],
          ["Changed", timeOf(value.updatedAt)],
          ["Agent id", <code key="id">{value.agentId}</code>],
        ]}
      />
      <h2>Configuration of version {value.version}</h2>
      <Configuration values={value.agentConfig} />
      <h2>Versions</h2>
      <Versions path={path} active={value.version} activated={agent.set} />
      <RawJson value={value} path={path} />
    </>
  );
}

interface VersionsProps {
  path: string;
  active: number;
  activated(agent: Agent): void;
}

function Versions({ path, active, activated }: VersionsProps) {
  const { items, error, complete, more, reload } = useFollowedPages<AgentVersion>(
    `${path}/versions`,
    "versions",
    ofKind("agent"),
  );
  const [failure, setFailure] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const current = items?.find((version) => version.version === active);

  const activate = async (version: number) => {
    setBusy(true);
    setFailure(null);
    try {
      activated(await request<Agent>("POST", `${path}/versions/${version.toString()}/activate`));
      setSaid(`Version ${version.toString()} is active.`);
      list.current?.focus(); // its button is gone
    } catch (raised) {
      setFailure(raised as Error);
    }
    setBusy(false);
  };

  if (error !== null) return <Failed error={error} retry={() => void reload()} />;
  if (items === null) return <Loading what="versions" />;
  return (
    <>
      {failure !== null && <Failed error={failure} />}
      <p role="status">{said}</p>
      <ul class="versions" ref={list} tabIndex={-1} aria-label="Versions">
        {items.map((version) => (
          <li key={version.version}>
            <details>
              <summary>
                Version {version.version} · {timeOf(version.createdAt)}
                {version.version === active && <strong> · active</strong>}
              </summary>
              {version.version === active || current === undefined ? (
                <Configuration values={version.agentConfig} />
              ) : (
                <Diff from={current} to={version} />
              )}
            </details>
            {version.version !== active && may("agents:write") && (
              <button
                type="button"
                disabled={busy}
                onClick={() => void activate(version.version)}
                aria-label={`Activate version ${version.version.toString()}`}
              >
                Activate
              </button>
            )}
          </li>
        ))}
      </ul>
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Older versions
        </button>
      )}
    </>
  );
}

function definition({ name, agentName, agentConfig, variables, description }: AgentVersion) {
  return { name, agentName, agentConfig, variables, description };
}

function Diff({ from, to }: { from: AgentVersion; to: AgentVersion }) {
  const found = changes(definition(from), definition(to));
  if (found.length === 0) return <p class="dim">The same as the active version.</p>;
  return (
    <>
      <p class="dim">
        What activating version {to.version} changes, compared with version {from.version}:
      </p>
      {found.map((change) => (
        <section key={change.path} aria-label={change.path} class="diff">
          <h3>
            <code>{change.path}</code>
          </h3>
          <ChangedLines change={change} />
        </section>
      ))}
    </>
  );
}

const MARKS = { same: " ", removed: "−", added: "+" };
const SPOKEN = { same: "", removed: "removed: ", added: "added: " };

function ChangedLines({ change: { before, after } }: { change: Change }) {
  const shown =
    before === null
      ? lines("", after ?? "").filter((line) => line.is === "added")
      : after === null
        ? lines(before, "").filter((line) => line.is === "removed")
        : lines(before, after);
  return (
    <div class="lines">
      {shown.map((line, index) => (
        <div key={index} class={line.is}>
          <span aria-hidden="true">{MARKS[line.is]} </span>
          <span class="spoken">{SPOKEN[line.is]}</span>
          {line.text}
        </div>
      ))}
    </div>
  );
}

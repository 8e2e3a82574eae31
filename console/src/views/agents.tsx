import type { Agent } from "../api/types";
import { ofKind } from "../live/concerns";
import { hashOf } from "../router";
import { may } from "../state/session";
import { timeOf } from "../ui/format";
import { Empty, Failed, Loading } from "../ui/states";
import { useFollowedPages } from "../ui/use_followed";

export function AgentsView() {
  const { items, error, complete, more, reload } = useFollowedPages<Agent>(
    "/agents",
    "agents",
    ofKind("agent"),
  );
  return (
    <>
      <h1>Agents</h1>
      {may("agents:write") && (
        <p>
          <a class="button" href={hashOf(["agents", "new"])}>
            New agent
          </a>
        </p>
      )}
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="agents" />}
      {items?.length === 0 && (
        <Empty>
          <p>
            There are no saved agents yet. Create one here, with <code>POST /agents</code> (
            <a href="/docs">documentation</a>) or <code>backend agents apply</code>.
          </p>
        </Empty>
      )}
      {items !== null && items.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Worker</th>
              <th scope="col">Active version</th>
              <th scope="col">Changed</th>
            </tr>
          </thead>
          <tbody>
            {items.map((agent) => (
              <tr key={agent.agentId}>
                <th scope="row">
                  <a href={hashOf(["agents", agent.agentId])}>{agent.name}</a>
                </th>
                <td>{agent.agentName ?? "the default"}</td>
                <td>
                  {agent.version} of {agent.latestVersion}
                </td>
                <td>{timeOf(agent.updatedAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          More agents
        </button>
      )}
    </>
  );
}

import type { Agent } from "../api/types";
import { hashOf, place } from "../router";
import {
  FIGURES,
  type Figure,
  type Group,
  inWords,
  isCounted,
  scaled,
  type Statistics,
  statisticsPath,
} from "../state/statistics";
import { Chart } from "../ui/chart";
import { Filters } from "../ui/filters";
import { Empty, Failed, Loading } from "../ui/states";
import { timeOf } from "../ui/format";
import { useAgents } from "../ui/use_agents";
import { useFollowed } from "../ui/use_followed";
import { DEAR } from "../ui/use_news";

const RANGE = [
  { name: "from", label: "From (UTC)", date: true },
  { name: "to", label: "To (not included)", date: true },
];

export function StatisticsView() {
  const query = place.value.query;
  const total = useFollowed<Statistics>(statisticsPath(query, ""), isCounted, DEAR);
  const days = useFollowed<Statistics>(statisticsPath(query, "day"), isCounted, DEAR);
  const agents = useFollowed<Statistics>(statisticsPath(query, "agent"), isCounted, DEAR);
  const read = () => {
    for (const each of [total, days, agents]) void each.reload();
  };
  const error = total.error ?? days.error ?? agents.error;
  const [all] = total.value?.groups ?? [];
  const { value } = total;
  const ready = days.value !== null && agents.value !== null && value !== null;
  return (
    <>
      <h1>Statistics</h1>
      <Filters filters={RANGE} values={query} />
      {error !== null && <Failed error={error} retry={read} />}
      {!ready && error === null && <Loading what="statistics" />}
      {error === null && ready && all !== undefined && (
        <>
          <p class="actions">
            <span class="dim">
              {dayOf(value.from)} to {dayOf(value.to)}, days of UTC, as of {timeOf(total.readAt)}
            </span>{" "}
            <a class="button" download href={statisticsPath(query, "day,agent", true)}>
              Download as CSV
            </a>{" "}
            <button type="button" onClick={read}>
              Read again
            </button>
          </p>
          {all.sessions === 0 && all.calls === 0 ? (
            <Empty>
              <p>
                No session and no call began in this time. Choose another, or{" "}
                <a href={hashOf(["sessions"])}>start a session</a>.
              </p>
            </Empty>
          ) : (
            <Found all={all} days={days.value?.groups ?? []} agents={agents.value?.groups ?? []} />
          )}
        </>
      )}
    </>
  );
}

interface FoundProps {
  all: Group;
  days: Group[];
  agents: Group[];
}

function Found({ all, days, agents }: FoundProps) {
  const saved = useAgents();
  const times = days.map((group) => Date.parse(group.day ?? "") / 1000);
  const known = FIGURES.filter((figure) => inWords(figure, all) !== "–");
  return (
    <>
      {all.cost?.incomplete === true && (
        <p>
          The cost is incomplete: the price table has no price for{" "}
          <code>{all.cost.unpriced.join(", ")}</code>.
        </p>
      )}
      <section class="charts" aria-label="By day">
        {known.map((figure) => (
          <Chart
            key={figure.title}
            title={titleOf(figure, all)}
            said={inWords(figure, all)}
            times={times}
            lines={figure.values.map((value) => days.map((group) => scaled(figure, value(group))))}
          />
        ))}
      </section>
      <h2>By agent</h2>
      <Groups groups={agents} figures={known} first="Agent" name={nameOf(saved ?? [])} />
      <details>
        <summary>By day, in numbers</summary>
        <Groups groups={days} figures={known} first="Day" name={(group) => group.day} />
      </details>
    </>
  );
}

function titleOf({ title }: Figure, { cost }: Group): string {
  return title === "Cost" && cost !== null ? `Cost (${cost.currency})` : title;
}

interface GroupsProps {
  groups: Group[];
  figures: Figure[];
  first: string;
  name(group: Group): preact.ComponentChildren;
}

function Groups({ groups, figures, first, name }: GroupsProps) {
  return (
    // The keyboard can scroll it where it is wider than the page.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div class="wide" role="region" aria-label={`By ${first.toLowerCase()}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {figures.map((figure) => (
              <th scope="col" key={figure.title}>
                {figure.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map((group, index) => (
            <tr key={index}>
              <th scope="row">{name(group)}</th>
              {figures.map((figure) => (
                <td key={figure.title} data-label={figure.title}>
                  {inWords(figure, group)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Name a group by its worker, and by the saved agent if it has one. */
function nameOf(saved: readonly Agent[]) {
  return ({ agentName, agentId }: Group) => {
    if (agentName === null || agentName === undefined) return "no agent";
    if (agentId === null || agentId === undefined) return agentName;
    const agent = saved.find((each) => each.agentId === agentId);
    if (agent === undefined) return `${agentName}, a saved agent`;
    return <a href={hashOf(["agents", agentId])}>{agent.name}</a>;
  };
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}

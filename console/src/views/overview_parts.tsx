/** The overview's tiles and charts. */

import { hashOf } from "../router";
import type { Backlog } from "../state/metrics";
import { type Statistics, statisticsPath } from "../state/statistics";
import { Chart, type Line, summary } from "../ui/chart";
import { seconds } from "../ui/format";
import { useNews } from "../ui/use_news";
import { useResource } from "../ui/use_resource";

/** Statistics are dear: they are read anew at most this often. */
const EVERY = 30_000;

interface LastHourProps {
  title: string;
  unit?: string;
  minutes: number[];
  values: Line;
}

export function LastHour({ title, unit = "", minutes, values }: LastHourProps) {
  return <Chart title={title} said={summary(values, unit)} times={minutes} lines={[values]} />;
}

interface TileProps {
  name: string;
  value: number | string;
  href: string;
  bad?: boolean;
}

export function Tile({ name, value, href, bad = false }: TileProps) {
  return (
    <li class={bad ? "tile bad" : "tile"}>
      <a href={href}>
        <span class="number">{value.toLocaleString()}</span> {name}
      </a>
    </li>
  );
}

/** What waits in the service, for an operator's key. */
export function BacklogTiles({ value }: { value: Backlog | null }) {
  if (value === null) return null;
  const { pendingEvents, oldestEventSeconds, deadEvents, pendingDeliveries } = value;
  const oldest = (oldestEventSeconds ?? 0) > 0 ? `, for ${seconds(oldestEventSeconds)}` : "";
  const health = hashOf(["health"]);
  return (
    <>
      <Tile name={`Webhooks to handle${oldest}`} value={pendingEvents ?? "–"} href={health} />
      <Tile name="Deliveries waiting" value={pendingDeliveries ?? "–"} href={health} />
      <Tile
        name="Webhooks given up"
        value={deadEvents ?? "–"}
        bad={(deadEvents ?? 0) > 0}
        href={health}
      />
    </>
  );
}

/** Workers report turns with their sessions' ends: of the day, as statistics know it. */
export function TurnLatency({ now }: { now: number }) {
  const from = new Date(now).toISOString().slice(0, 10);
  const { value, reload } = useResource<Statistics>(statisticsPath({ from }, ""));
  useNews(() => void reload(), { wait: EVERY });
  const median = value?.groups[0]?.turnMsP50 ?? null;
  return (
    <Tile
      name="Turn latency today, median"
      value={seconds(median === null ? null : median / 1000)}
      href={hashOf(["statistics"])}
    />
  );
}

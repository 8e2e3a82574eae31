/** The overview's tiles and charts. */

import { useMemo } from "preact/hooks";
import { hashOf } from "../router";
import type { Backlog } from "../state/metrics";
import { isCounted, type Statistics, statisticsPath } from "../state/statistics";
import { Chart, type Line, summary } from "../ui/chart";
import { seconds } from "../ui/format";
import { useFollowed } from "../ui/use_followed";
import { DEAR } from "../ui/use_news";

const HOUR = 60 * 60;

interface LastHourProps {
  title: string;
  unit?: string;
  minutes: number[];
  values: Line;
}

export function LastHour({ title, unit = "", minutes, values }: LastHourProps) {
  return <Chart title={title} said={summary(values, unit)} times={minutes} lines={[values]} />;
}

/** The latency of turns, by the minutes in which their sessions began. */
export function TurnsOfLastHour({ minutes }: { minutes: number[] }) {
  // The same for an hour, so that it is events that have it read again.
  const hour = Math.floor((minutes[0] ?? 0) / HOUR) * HOUR;
  const from = new Date(hour * 1000).toISOString();
  const { value } = useFollowed<Statistics>(statisticsPath({ from }, "minute"), isCounted, DEAR);
  const medians = useMemo(() => {
    const groups = value?.groups ?? [];
    const known = new Map(groups.map((each) => [Date.parse(each.minute ?? ""), each.turnMsP50]));
    return minutes.map((minute) => {
      const median = known.get(minute * 1000) ?? null;
      return median === null ? null : median / 1000;
    });
  }, [value, minutes]);
  return <LastHour title="Turn latency, median" unit=" s" minutes={minutes} values={medians} />;
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
  const { value } = useFollowed<Statistics>(statisticsPath({ from }, ""), isCounted, DEAR);
  const median = value?.groups[0]?.turnMsP50 ?? null;
  return (
    <Tile
      name="Turn latency today, median"
      value={seconds(median === null ? null : median / 1000)}
      href={hashOf(["statistics"])}
    />
  );
}

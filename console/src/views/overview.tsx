import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Call, Session } from "../api/types";
import { follow } from "../live/live";
import { hashOf } from "../router";
import { isFailing, isJoining, Overview } from "../state/overview";
import { figures } from "../state/per_minute";
import { may } from "../state/session";
import { timeOf } from "../ui/format";
import { Failed, Loading, Status } from "../ui/states";
import { useBacklog } from "../ui/use_backlog";
import { useReturn } from "../ui/use_return";
import { BacklogTiles, LastHour, Tile, TurnLatency, TurnsOfLastHour } from "./overview_parts";

const TICK = 5_000;
const SHOWN = 8;

export function OverviewView() {
  const overview = useMemo(() => new Overview(), []);
  const [now, setNow] = useState(Date.now());

  useEffect(() => {
    const unfollow = follow({
      session: (session) => {
        overview.session(session);
      },
      call: (call) => {
        overview.call(call);
      },
      gap: () => void overview.load(),
    });
    void overview.load();
    const timer = setInterval(() => {
      setNow(Date.now());
      overview.forget();
    }, TICK);
    return () => {
      clearInterval(timer);
      unfollow();
    };
  }, [overview]);

  useReturn(() => {
    if (overview.error.value !== null) void overview.load();
  });

  const error = overview.error.value;
  return (
    <>
      <h1>Overview</h1>
      {error !== null && <Failed error={error} retry={() => void overview.load()} />}
      {!overview.ready.value && error === null && <Loading what="what goes on" />}
      {overview.ready.value && (
        <Now
          sessions={[...overview.sessions.value.values()]}
          calls={[...overview.calls.value.values()]}
          now={now}
          partial={overview.partial.value}
        />
      )}
    </>
  );
}

interface NowProps {
  sessions: Session[];
  calls: Call[];
  now: number;
  partial: boolean;
}

function Now({ sessions, calls, now, partial }: NowProps) {
  const minute = Math.floor(now / 60_000);
  const shown = useMemo(
    () => figures(sessions, calls, minute * 60_000),
    [sessions, calls, minute],
  );
  const live = sessions.filter((session) => session.status === "active");
  const joining = sessions.filter(isJoining);
  const failing = sessions.filter(isFailing);
  const talking = calls.filter((call) => call.endedAt === null && call.status !== "failed");
  const failed = calls.filter((call) => call.status === "failed");
  const { minutes } = shown;
  const backlog = useBacklog();
  return (
    <>
      {partial && (
        <p class="dim">
          There was more in the last hour than the console reads; the charts count the newest 2,000
          records.
        </p>
      )}
      <ul class="tiles">
        <Tile name="Sessions live" value={live.length} href={hashOf(["sessions"], { status: "active" })} />
        {may("calls:read") && <Tile name="Calls live" value={talking.length} href={hashOf(["calls"])} />}
        <Tile
          name="Agents joining"
          value={joining.length}
          href={hashOf(["sessions"], { status: "agent_dispatched" })}
        />
        <Tile
          name="Sessions without an agent"
          value={failing.length}
          bad={failing.length > 0}
          href={hashOf(["sessions"], { status: "dispatch_failed" })}
        />
        {may("calls:read") && (
          <Tile
            name="Calls failed, last hour"
            value={failed.length}
            bad={failed.length > 0}
            href={hashOf(["calls"], { status: "failed" })}
          />
        )}
        <BacklogTiles value={backlog.value} />
        {may("calls:read") && <TurnLatency now={now} />}
      </ul>
      <section class="charts" aria-label="The last hour">
        {may("calls:read") && (
          <LastHour title="Calls per minute" minutes={minutes} values={shown.calls} />
        )}
        <LastHour title="Sessions per minute" minutes={minutes} values={shown.sessions} />
        <LastHour
          title="Agent's join, median"
          unit=" s"
          minutes={minutes}
          values={shown.joinSeconds}
        />
        {may("calls:read") && <TurnsOfLastHour minutes={minutes} />}
        <LastHour title="Failures per minute" minutes={minutes} values={shown.failures} />
        <LastHour title="Found by the reconciler" minutes={minutes} values={shown.repairs} />
      </section>
      <div class="columns">
        <Newest title="Newest sessions" items={sessions} none="No sessions in the last hour.">
          {(session) => (
            <>
              <a href={hashOf(["sessions", session.sessionId])}>{session.roomName}</a>{" "}
              <Status status={session.status} />{" "}
              <span class="dim">
                {session.userIdentity} · {timeOf(session.createdAt)}
              </span>
            </>
          )}
        </Newest>
        {may("calls:read") && (
          <Newest title="Newest calls" items={calls} none="No calls in the last hour.">
            {(call) => (
              <>
                <a href={hashOf(["calls", call.callId])}>
                  {call.from ?? "unknown"} → {call.to ?? "unknown"}
                </a>{" "}
                <Status status={call.status} />{" "}
                <span class="dim">{timeOf(call.createdAt)}</span>
              </>
            )}
          </Newest>
        )}
      </div>
    </>
  );
}

interface NewestProps<T> {
  title: string;
  items: T[];
  none: string;
  children(item: T): ComponentChildren;
}

function Newest<T extends Session | Call>({ title, items, none, children }: NewestProps<T>) {
  const newest = items
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))
    .slice(0, SHOWN);
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {newest.length === 0 ? (
        <p class="dim">{none}</p>
      ) : (
        <ul class="newest">
          {newest.map((item) => (
            <li key={"callId" in item && "direction" in item ? item.callId : item.sessionId}>
              {children(item)}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Answers that events, and hints of other changes, make old. */

import { useEffect, useRef } from "preact/hooks";
import type { DomainEvent } from "../api/types";
import type { Area } from "../live/event_stream";
import { follow } from "../live/live";

/** Events that come together cause one reading. */
const TOGETHER = 200;

/** How soon after an event something is read, and once in how many milliseconds at most. */
export interface Pace {
  after?: number;
  every?: number;
  /** The same for what is hinted, which may concern other records. */
  hinted?: number;
}
/** For what may change many times in a second. */
export const BUSY: Pace = { every: 1_000 };
/** For the lists of one record, where hints are about all records. */
export const OF_RECORD: Pace = { ...BUSY, hinted: 5_000 };
/** For what changes with every event. */
export const SELDOM: Pace = { every: 5_000 };
/** For what the service counts once in two seconds. */
export const COUNTED: Pace = { after: 2_500, every: 5_000 };
/** For statistics, which take seconds in a large ledger. */
export const DEAR: Pace = { every: 30_000 };

const ANY = () => true;

/**
 * Call `read` after events that `concerns` chooses and hints about `areas`, and at once when some
 * may have been missed. While the page is hidden it waits until it is shown.
 */
export function useNews(
  read: () => void,
  { after = TOGETHER, every = 0, hinted = every }: Pace = {},
  concerns: (event: DomainEvent) => boolean = ANY,
  areas: readonly Area[] = [],
): void {
  const current = useRef({ read, concerns, areas });
  current.current = { read, concerns, areas };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let due = Infinity;
    let next = 0;
    let nextHinted = 0;
    let isHint = false;
    const run = () => {
      clearTimeout(timer);
      due = Infinity;
      if (document.hidden) {
        document.addEventListener("visibilitychange", run, { once: true });
        return;
      }
      next = Date.now() + every;
      if (isHint) nextHinted = Date.now() + hinted;
      isHint = false;
      current.current.read();
    };
    const schedule = (earliest: number) => {
      const at = Math.max(Date.now() + after, earliest);
      if (at >= due) return;
      clearTimeout(timer);
      due = at;
      timer = setTimeout(run, at - Date.now());
    };
    const unfollow = follow({
      any: (event) => {
        if (current.current.concerns(event)) schedule(next);
      },
      changed: (changed) => {
        if (!current.current.areas.some((area) => changed.includes(area))) return;
        isHint = true;
        schedule(Math.max(next, nextHinted));
      },
      gap: () => {
        current.current.read();
      },
    });
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", run);
      unfollow();
    };
  }, [after, every, hinted]);
}

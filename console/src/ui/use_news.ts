/** Answers that events make old. */

import { useEffect, useRef } from "preact/hooks";
import type { DomainEvent } from "../api/types";
import { follow } from "../live/live";

/** Events that come together cause one reading. */
const TOGETHER = 200;
/** Work that an event causes, such as a delivery's first attempt, is usually done by then. */
export const SETTLED = 1000;

/** How soon after an event something is read, and once in how many milliseconds at most. */
export interface Pace {
  after?: number;
  every?: number;
}
export const WHEN_SETTLED: Pace = { after: SETTLED };
/** For what changes with every event. */
export const SELDOM: Pace = { after: SETTLED, every: 5_000 };
/** For statistics, which take seconds in a large ledger. */
export const DEAR: Pace = { every: 30_000 };

const ANY = () => true;

/** Call `read` after events that `concerns` chooses, and at once when some may have been missed. */
export function useNews(
  read: () => void,
  { after = TOGETHER, every = 0 }: Pace = {},
  concerns: (event: DomainEvent) => boolean = ANY,
): void {
  const current = useRef({ read, concerns });
  current.current = { read, concerns };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let next = 0;
    const unfollow = follow({
      any: (event) => {
        if (!current.current.concerns(event)) return;
        timer ??= setTimeout(() => {
          timer = undefined;
          next = Date.now() + every;
          current.current.read();
        }, Math.max(after, next - Date.now()));
      },
      gap: () => {
        current.current.read();
      },
    });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [after, every]);
}

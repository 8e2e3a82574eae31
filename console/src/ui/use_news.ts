/** Answers that events make old. */

import { useEffect, useRef } from "preact/hooks";
import type { DomainEvent } from "../api/types";
import { follow } from "../live/live";

/** Events that come together cause one reading. */
const TOGETHER = 200;
/** Work that an event causes, such as a delivery's first attempt, is usually done by then. */
export const SETTLED = 1000;
/** How often at most what is dear, or changes with every event, is read. */
export const SELDOM = 5_000;

const ANY = () => true;

interface News {
  concerns?(event: DomainEvent): boolean;
  wait?: number | undefined;
}

/**
 * Call `read` after events that `concerns` chooses, at most once in `wait` milliseconds, and at
 * once when events may have been missed.
 */
export function useNews(
  read: () => void,
  { concerns = ANY, wait = TOGETHER }: News,
): void {
  const current = useRef({ read, concerns });
  current.current = { read, concerns };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const unfollow = follow({
      any: (event) => {
        if (!current.current.concerns(event)) return;
        timer ??= setTimeout(() => {
          timer = undefined;
          current.current.read();
        }, wait);
      },
      gap: () => {
        current.current.read();
      },
    });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [wait]);
}

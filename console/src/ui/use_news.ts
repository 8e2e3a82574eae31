/** Answers that events make old. */

import { useEffect, useRef } from "preact/hooks";
import { follow } from "../live/live";

/** Call `read` after events, at most once in `milliseconds`, and when some may have been missed. */
export function useNews(read: () => void, milliseconds: number): void {
  const current = useRef(read);
  current.current = read;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        current.current();
      }, milliseconds);
    };
    const unfollow = follow({ any: soon, gap: soon });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [milliseconds]);
}

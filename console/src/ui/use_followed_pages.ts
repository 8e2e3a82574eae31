/** A list that is read page by page, and anew when an event says that it has changed. */

import { useEffect, useRef } from "preact/hooks";
import type { DomainEvent } from "../api/types";
import { follow } from "../live/live";
import { type Pages, usePages } from "./use_pages";

/** Events that come together cause one reading. */
const TOGETHER = 200;
/** Work that an event causes, such as a delivery's first attempt, is usually done by then. */
export const SETTLED = 1000;
const PAGE = 200;

/** Return the list at `path`; `concerns` says which events have it read again, `wait` how soon. */
export function useFollowedPages<T>(
  path: string,
  field: string,
  concerns: (event: DomainEvent) => boolean,
  wait = TOGETHER,
): Pages<T> {
  const pages = usePages<T>(path, field);
  const current = useRef({ pages, concerns });
  current.current = { pages, concerns };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reload = () => {
      timer = undefined;
      void current.current.pages.reload();
    };
    const unfollow = follow({
      any: (event) => {
        const { pages: read, concerns: isNews } = current.current;
        // A reader of older pages keeps them.
        if (!isNews(event) || (read.items?.length ?? 0) > PAGE) return;
        timer ??= setTimeout(reload, wait);
      },
      gap: reload,
    });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [path, wait]);
  return pages;
}

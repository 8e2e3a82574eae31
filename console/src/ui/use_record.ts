/** A session or a call, read when its page opens and kept current by events. */

import { useEffect, useRef } from "preact/hooks";
import type { DomainEvent } from "../api/types";
import { follow, isNews } from "../live/live";
import { type Resource, useResource } from "./use_resource";

interface WithTimeline {
  timeline: unknown[];
  endedAt: string | null;
}

/** Events that come together cause one reading. */
const TOGETHER = 200;

/**
 * Return the record at `path`.
 *
 * What an event brings is shown at once. Some changes have no event of their own, such as an agent's
 * dispatch: so whatever happens to the session or the call also has the record read again.
 */
export function useRecord<T extends WithTimeline>(
  path: string,
  kind: "session" | "call",
  id: string,
  isIt: (record: T) => boolean,
): Resource<T> {
  const resource = useResource<T>(path);
  const current = useRef(resource);
  current.current = resource;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const unfollow = follow({
      [kind]: (record: unknown) => {
        const told = record as T;
        const { value, set } = current.current;
        if (isIt(told) && isNews(value ?? undefined, told)) set(told);
      },
      any: (event: DomainEvent) => {
        if (event.sessionId !== id && event.callId !== id) return;
        clearTimeout(timer);
        timer = setTimeout(() => void current.current.reload(), TOGETHER);
      },
      gap: () => void current.current.reload(),
    });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [path, kind, id]);
  return resource;
}

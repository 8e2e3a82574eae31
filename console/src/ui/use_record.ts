/** A session or a call, read when its page opens and kept current by events. */

import { useEffect, useRef } from "preact/hooks";
import { follow, isNews } from "../live/live";
import { useFollowed } from "./use_followed";
import type { Resource } from "./use_resource";

interface WithTimeline {
  timeline: unknown[];
  endedAt: string | null;
}

/**
 * Return the record at `path`.
 *
 * What an event brings is shown at once. Some changes have no event of their own, such as the
 * dispatch that a session begins with: so each event of the session or the call also has the record
 * read again.
 */
export function useRecord<T extends WithTimeline>(
  path: string,
  kind: "session" | "call",
  id: string,
  isIt: (record: T) => boolean,
): Resource<T> {
  const resource = useFollowed<T>(path, (event) => event.sessionId === id || event.callId === id);
  const current = useRef(resource);
  current.current = resource;
  useEffect(
    () =>
      follow({
        [kind]: (record: unknown) => {
          const told = record as T;
          const { value, set } = current.current;
          if (isIt(told) && isNews(value ?? undefined, told)) set(told);
        },
        gap: () => undefined, // which `useFollowed` follows
      }),
    [path, kind, id],
  );
  return resource;
}

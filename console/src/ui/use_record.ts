/** A session or a call, read when its page opens and kept current by events. */

import { useEffect, useRef } from "preact/hooks";
import type { Call, Session } from "../api/types";
import { about, type Concerns } from "../live/concerns";
import { follow, isNews } from "../live/live";
import { useFollowed } from "./use_followed";
import type { Resource } from "./use_resource";

interface Records {
  session: Session;
  call: Call;
}

/** Return the session or the call with this id, at `path`. */
export function useRecord<K extends keyof Records>(
  path: string,
  kind: K,
  id: string,
): Resource<Records[K]> {
  return useRecordOf<K>(
    path,
    kind,
    (record) => (kind === "session" ? record.sessionId : record.callId) === id,
    about([id]),
  );
}

/**
 * Return the record at `path`.
 *
 * What an event brings is shown at once. Some changes have no event of their own, such as the
 * dispatch that a session begins with: so each event that `concerns` it also has the record read
 * again.
 */
export function useRecordOf<K extends keyof Records>(
  path: string,
  kind: K,
  isIt: (record: Records[K]) => boolean,
  concerns: Concerns,
): Resource<Records[K]> {
  const resource = useFollowed<Records[K]>(path, concerns);
  const current = useRef({ resource, isIt });
  current.current = { resource, isIt };
  useEffect(
    () =>
      follow({
        [kind]: (told: Records[K]) => {
          const { value, set } = current.current.resource;
          if (current.current.isIt(told) && isNews(value ?? undefined, told)) set(told);
        },
        gap: () => undefined, // which `useFollowed` follows
      }),
    [path, kind],
  );
  return resource;
}

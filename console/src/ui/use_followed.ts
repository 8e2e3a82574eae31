/** One answer of the API, read again when an event says that it has changed. */

import { useEffect, useRef } from "preact/hooks";
import type { DomainEvent } from "../api/types";
import { follow } from "../live/live";
import { type Resource, useResource } from "./use_resource";

/** Events that come together cause one reading. */
const TOGETHER = 200;

/** Return what is at `path`; `concerns` says which events have it read again. */
export function useFollowed<T>(
  path: string,
  concerns: (event: DomainEvent) => boolean,
): Resource<T> {
  const resource = useResource<T>(path);
  const current = useRef({ resource, concerns });
  current.current = { resource, concerns };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reload = () => void current.current.resource.reload();
    const unfollow = follow({
      any: (event) => {
        if (!current.current.concerns(event)) return;
        clearTimeout(timer);
        timer = setTimeout(reload, TOGETHER);
      },
      gap: reload,
    });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [path]);
  return resource;
}

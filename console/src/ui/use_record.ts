/** A session or a call, read once and then kept current by events. */

import { useEffect, useRef } from "preact/hooks";
import { follow, isNews } from "../live/live";
import { type Resource, useResource } from "./use_resource";

interface Record_ {
  timeline: unknown[];
  endedAt: string | null;
}

export function useRecord<T extends Record_>(
  path: string,
  kind: "session" | "call",
  isIt: (record: T) => boolean,
): Resource<T> {
  const resource = useResource<T>(path);
  const current = useRef(resource);
  current.current = resource;
  useEffect(() => {
    const tell = (record: unknown) => {
      const told = record as T;
      const { value, set } = current.current;
      if (isIt(told) && isNews(value ?? undefined, told)) set(told);
    };
    return follow({ [kind]: tell, gap: () => void current.current.reload() });
  }, [path, kind]);
  return resource;
}

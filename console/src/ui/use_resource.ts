/** One answer of the API, read when a view opens. */

import { useEffect, useRef, useState } from "preact/hooks";
import { request } from "../api/client";
import { useReturn } from "./use_return";

export interface Resource<T> {
  value: T | null;
  error: Error | null;
  /** When the service was heard last. */
  readAt: string | null;
  reload(): Promise<void>;
  set(value: T): void;
}

export function useResource<T>(path: string): Resource<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [readAt, setReadAt] = useState<string | null>(null);
  const latest = useRef(0);

  const reload = async () => {
    latest.current += 1;
    const mine = latest.current;
    try {
      const found = await request<T>("GET", path);
      if (mine !== latest.current) return;
      setValue(found);
      setReadAt(new Date().toISOString());
      setError(null);
    } catch (raised) {
      if (mine === latest.current) setError(raised as Error);
    }
  };
  useEffect(() => {
    setValue(null);
    setError(null);
    void reload();
    return () => {
      latest.current += 1;
    };
  }, [path]);
  useReturn(() => {
    if (error !== null) void reload();
  });
  return { value, error, readAt, reload, set: setValue };
}

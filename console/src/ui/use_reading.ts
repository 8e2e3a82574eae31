/** What was read of the API, where only the newest request's answer counts. */

import { useEffect, useRef, useState } from "preact/hooks";
import { request } from "../api/client";
import { useReturn } from "./use_return";

export interface Reading<V> {
  value: V | null;
  error: Error | null;
  /** When the service was heard last. */
  readAt: string | null;
  read(path: string, before: V | null): Promise<void>;
  reload(): Promise<void>;
  set(value: V): void;
}

/** Read `first` when a view opens; `added` makes the value of an answer and what was there before. */
export function useReading<V, A>(
  first: string,
  added: (found: A, before: V | null) => V,
): Reading<V> {
  const [value, setValue] = useState<V | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [readAt, setReadAt] = useState<string | null>(null);
  const latest = useRef(0);

  const read = async (path: string, before: V | null) => {
    latest.current += 1;
    const mine = latest.current;
    try {
      const found = await request<A>("GET", path);
      if (mine !== latest.current) return;
      setValue(added(found, before));
      setReadAt(new Date().toISOString());
      setError(null);
    } catch (raised) {
      if (mine === latest.current) setError(raised as Error);
    }
  };
  const reload = () => read(first, null);
  useEffect(() => {
    setValue(null);
    setReadAt(null);
    setError(null);
    void reload();
    return () => {
      latest.current += 1;
    };
  }, [first]);
  useReturn(() => {
    if (error !== null) void reload();
  });
  return { value, error, readAt, read, reload, set: setValue };
}

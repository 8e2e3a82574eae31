/** A list that is read page by page on demand. */

import { useEffect, useRef, useState } from "preact/hooks";
import { request, withQuery } from "../api/client";
import { useReturn } from "./use_return";

export interface Pages<T> {
  items: T[] | null;
  error: Error | null;
  complete: boolean;
  more(): Promise<void>;
  reload(): Promise<void>;
}

export function usePages<T>(path: string, field: string): Pages<T> {
  const [items, setItems] = useState<T[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);

  const latest = useRef(0);

  const read = async (from: string, before: T[]) => {
    latest.current += 1;
    const mine = latest.current;
    try {
      const page = await request<Record<string, unknown>>(
        "GET",
        withQuery(path, { limit: "200", cursor: from }),
      );
      if (mine !== latest.current) return;
      setItems([...before, ...(page[field] as T[])]);
      setCursor((page["nextCursor"] as string | null | undefined) ?? null);
      setError(null);
    } catch (raised) {
      if (mine === latest.current) setError(raised as Error);
    }
  };
  const reload = () => read("", []);
  useEffect(() => {
    setItems(null);
    setCursor(null);
    setError(null);
    void reload();
    return () => {
      latest.current += 1;
    };
  }, [path]);
  useReturn(() => {
    if (error !== null) void reload();
  });
  return {
    items,
    error,
    complete: cursor === null,
    more: () => read(cursor ?? "", items ?? []),
    reload,
  };
}

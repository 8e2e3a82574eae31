/** A list that is read page by page on demand. */

import { useEffect, useRef, useState } from "preact/hooks";
import { request, withQuery } from "../api/client";
import { useReturn } from "./use_return";

export const PAGE = 200;

export interface Pages<T> {
  items: T[] | null;
  /** The page that was read last, as the service answered. */
  page: Record<string, unknown> | null;
  error: Error | null;
  /** When that was. */
  readAt: string | null;
  complete: boolean;
  more(): Promise<void>;
  reload(): Promise<void>;
}

export function usePages<T>(path: string, field: string): Pages<T> {
  const [items, setItems] = useState<T[] | null>(null);
  const [page, setPage] = useState<Record<string, unknown> | null>(null);
  const [readAt, setReadAt] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);

  const latest = useRef(0);

  const read = async (from: string, before: T[]) => {
    latest.current += 1;
    const mine = latest.current;
    try {
      const found = await request<Record<string, unknown>>(
        "GET",
        withQuery(path, { limit: PAGE.toString(), cursor: from }),
      );
      if (mine !== latest.current) return;
      setItems([...before, ...(found[field] as T[])]);
      setPage(found);
      setReadAt(new Date().toISOString());
      setError(null);
    } catch (raised) {
      if (mine === latest.current) setError(raised as Error);
    }
  };
  const reload = () => read("", []);
  const cursor = (page?.["nextCursor"] as string | null | undefined) ?? null;
  useEffect(() => {
    setItems(null);
    setPage(null);
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
    page,
    error,
    readAt,
    complete: cursor === null,
    more: () => read(cursor ?? "", items ?? []),
    reload,
  };
}

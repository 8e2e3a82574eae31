/** A list that is read page by page on demand. */

import { useEffect, useState } from "preact/hooks";
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

  const read = async (from: string, before: T[]) => {
    try {
      const found = await request<Record<string, unknown>>(
        "GET",
        withQuery(path, { limit: PAGE.toString(), cursor: from }),
      );
      setItems([...before, ...(found[field] as T[])]);
      setPage(found);
      setReadAt(new Date().toISOString());
      setError(null);
    } catch (raised) {
      setError(raised as Error);
    }
  };
  const reload = () => read("", []);
  const cursor = (page?.["nextCursor"] as string | null | undefined) ?? null;
  useEffect(() => void reload(), [path]);
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

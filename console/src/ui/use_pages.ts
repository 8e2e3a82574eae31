/** A list that is read page by page on demand. */

import { withQuery } from "../api/client";
import { useReading } from "./use_reading";

export const PAGE = 200;

interface Read<T> {
  items: T[];
  page: Record<string, unknown>;
}

export interface Pages<T> {
  items: T[] | null;
  /** The page that was read last, as the service answered. */
  page: Record<string, unknown> | null;
  error: Error | null;
  complete: boolean;
  more(): Promise<void>;
  reload(): Promise<void>;
}

export function usePages<T>(path: string, field: string): Pages<T> {
  const from = (cursor: string) => withQuery(path, { limit: PAGE.toString(), cursor });
  const { value, error, read, reload } = useReading<Read<T>, Record<string, unknown>>(
    from(""),
    (page, before) => ({ items: [...(before?.items ?? []), ...(page[field] as T[])], page }),
  );
  const cursor = (value?.page["nextCursor"] as string | null | undefined) ?? null;
  return {
    items: value?.items ?? null,
    page: value?.page ?? null,
    error,
    complete: cursor === null,
    more: () => read(from(cursor ?? ""), value),
    reload,
  };
}

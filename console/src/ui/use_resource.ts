/** One answer of the API, read when a view opens. */

import { type Reading, useReading } from "./use_reading";

export type Resource<T> = Omit<Reading<T>, "read">;

export function useResource<T>(path: string): Resource<T> {
  return useReading<T, T>(path, (found) => found);
}

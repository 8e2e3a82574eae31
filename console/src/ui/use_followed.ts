/** Answers of the API, read again when an event says that they have changed. */

import type { DomainEvent } from "../api/types";
import type { Concerns } from "../live/concerns";
import { type Pace, useNews } from "./use_news";
import { PAGE, type Pages, usePages } from "./use_pages";
import { type Resource, useResource } from "./use_resource";

/** Return what is at `path`; `concerns` says which events have it read again, `pace` how soon. */
export function useFollowed<T>(
  path: string,
  concerns: Concerns,
  pace?: Pace,
): Resource<T> {
  const resource = useResource<T>(path);
  useNews(() => void resource.reload(), pace, concerns);
  return resource;
}

/** Return the list at `path`, which is read page by page; the rest is as above. */
export function useFollowedPages<T>(
  path: string,
  field: string,
  concerns: Concerns,
  pace?: Pace,
): Pages<T> {
  const pages = usePages<T>(path, field);
  // A reader of older pages keeps them.
  const isNews = (event: DomainEvent) => concerns(event) && (pages.items?.length ?? 0) <= PAGE;
  useNews(() => void pages.reload(), pace, isNews);
  return pages;
}

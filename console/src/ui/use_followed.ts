/** Answers of the API, read again when the live stream says that they have changed. */

import type { DomainEvent } from "../api/types";
import type { Area } from "../live/event_stream";
import { type Pace, useNews } from "./use_news";
import { PAGE, type Pages, usePages } from "./use_pages";
import { type Resource, useResource } from "./use_resource";

/**
 * Return what is at `path`. Events that `concerns` chooses have it read again, and hints about
 * `areas`; `pace` says how soon.
 */
export function useFollowed<T>(
  path: string,
  concerns: (event: DomainEvent) => boolean,
  pace?: Pace,
  areas: readonly Area[] = [],
): Resource<T> {
  const resource = useResource<T>(path);
  useNews(() => void resource.reload(), pace, concerns, areas);
  return resource;
}

/** Return the list at `path`, which is read page by page; the rest is as above. */
export function useFollowedPages<T>(
  path: string,
  field: string,
  concerns: (event: DomainEvent) => boolean,
  pace?: Pace,
  areas: readonly Area[] = [],
): Pages<T> {
  const pages = usePages<T>(path, field);
  // A reader of older pages keeps them.
  const isFirst = (pages.items?.length ?? 0) <= PAGE;
  const isNews = (event: DomainEvent) => isFirst && concerns(event);
  useNews(() => void pages.reload(), pace, isNews, isFirst ? areas : []);
  return pages;
}

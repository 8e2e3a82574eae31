/** Views by the fragment of the address, which no server and no log sees. */

import { signal } from "@preact/signals";

export interface Place {
  /** `#/calls/123` → `["calls", "123"]`. */
  path: string[];
  query: Record<string, string>;
}

export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path.split("/").filter(Boolean).map(decoded),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

export function hashOf(path: string[], query: Record<string, string> = {}): string {
  const filled = Object.entries(query).filter(([, value]) => value !== "");
  const text = new URLSearchParams(filled).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

export const place = signal<Place>(placeOf(location.hash));

addEventListener("hashchange", () => (place.value = placeOf(location.hash)));

/** Change the filters of the view that is open, without an entry in the history. */
export function setQuery(query: Record<string, string>): void {
  history.replaceState(null, "", hashOf(place.value.path, query));
  place.value = placeOf(location.hash);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Open another view. */
export function go(path: string[]): void {
  location.hash = hashOf(path);
}

/** The saved agents, to choose from and to name. */

import { useEffect } from "preact/hooks";
import type { Agent } from "../api/types";
import { ofKind } from "../live/concerns";
import { useFollowedPages } from "./use_followed";

/** More are not read: a tenant has 1,000 at most. */
const MOST = 2_000;

/** Return the agents; none where the key may not read them, null while they are being read. */
export function useAgents(): readonly Agent[] | null {
  const { items, error, complete, more } = useFollowedPages<Agent>(
    "/agents",
    "agents",
    ofKind("agent"),
  );
  const unread = items !== null && !complete && items.length < MOST;
  useEffect(() => {
    if (unread) void more();
  }, [items, unread]);
  if (error !== null) return items ?? [];
  return unread ? null : items;
}

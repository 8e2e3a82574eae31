/** Which events make what a view shows out of date. */

import type { DomainEvent } from "../api/types";

export type Concerns = (event: DomainEvent) => boolean;

/** Choose the events about a session or a call with one of `ids`; only of `types`, if given. */
export function about(ids: readonly (string | null)[], types?: readonly string[]): Concerns {
  return ({ type, sessionId, callId }) =>
    (types?.includes(type) ?? true) &&
    [sessionId, callId].some((id) => id !== null && ids.includes(id));
}

/** Choose the events of the kind `agent.*`, `webhook.*` and so on. */
export function ofKind(kind: "agent" | "api_key" | "phone_number" | "webhook"): Concerns {
  return ({ type }) => type.startsWith(`${kind}.`);
}

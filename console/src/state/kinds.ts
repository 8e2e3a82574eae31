/** Sessions and calls as lists: where they are read, and which of them a filter leaves. */

import type { Call, Session } from "../api/types";
import type { Kind } from "./record_list";

export const SESSION_STATUSES = [
  "created",
  "agent_dispatched",
  "dispatch_failed",
  "active",
  "ended",
];
export const CALL_STATUSES = ["created", "ringing", "active", "ended", "failed"];

type Filters = Record<string, string>;

function within(createdAt: string, { since = "", until = "" }: Filters): boolean {
  const at = Date.parse(createdAt);
  return !(since !== "" && at < Date.parse(since)) && !(until !== "" && at >= Date.parse(until));
}

function is(value: string | null, wanted: string | undefined): boolean {
  const text = (wanted ?? "").trim();
  return text === "" || value === text;
}

/** The service finds a number however it is written; so does this for what it shows. */
function isNumber(value: string | null, wanted: string | undefined): boolean {
  const digits = (text: string) => text.replace(/[^0-9a-z@.]/gi, "");
  return (wanted ?? "").trim() === "" || digits(value ?? "") === digits(wanted ?? "");
}

export const SESSIONS: Kind<Session> = {
  path: "/sessions",
  field: "sessions",
  id: (session) => session.sessionId,
  matches: (session, filters) =>
    is(session.status, filters["status"]) &&
    is(session.userIdentity, filters["userIdentity"]) &&
    is(session.roomName, filters["roomName"]) &&
    within(session.createdAt, filters),
};

export const CALLS: Kind<Call> = {
  path: "/telephony/calls",
  field: "calls",
  id: (call) => call.callId,
  matches: (call, filters) =>
    is(call.status, filters["status"]) &&
    is(call.direction, filters["direction"]) &&
    isNumber(call.from, filters["from"]) &&
    isNumber(call.to, filters["to"]) &&
    is(call.roomName, filters["roomName"]) &&
    within(call.createdAt, filters),
};

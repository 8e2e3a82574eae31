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

/** As the service searches: by the beginning, a number also by its digits, an id from 8 characters on. */
function begins(
  wanted: string | undefined,
  id: string,
  names: (string | null)[],
  numbers: (string | null)[] = [],
): boolean {
  const text = (wanted ?? "").trim();
  const isOf = (beginnings: string[]) => (value: string | null) =>
    value !== null && beginnings.some((beginning) => value.startsWith(beginning));
  const asId = text.toLowerCase();
  return (
    text === "" ||
    (asId.length >= 8 && id.startsWith(asId)) ||
    names.some(isOf([text])) ||
    numbers.some(isOf(numbersOf(text)))
  );
}

function numbersOf(text: string): string[] {
  const written = text.replace(/[\s()./-]+/g, "");
  if (!/^\+?[0-9]+$/.test(written)) return [text];
  const digits = written.replace("+", "");
  const abroad = written.startsWith("00") ? [`+${digits.slice(2)}`] : [];
  return [text, `+${digits}`, digits, ...abroad];
}

export const SESSIONS: Kind<Session> = {
  path: "/sessions",
  field: "sessions",
  id: (session) => session.sessionId,
  matches: (session, filters) =>
    is(session.status, filters["status"]) &&
    is(session.userIdentity, filters["userIdentity"]) &&
    is(session.roomName, filters["roomName"]) &&
    begins(filters["q"], session.sessionId, [session.roomName, session.roomSid, session.userIdentity]) &&
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
    begins(
      filters["q"],
      call.callId,
      [call.roomName, call.participantIdentity, call.sipCallId],
      [call.from, call.to],
    ) &&
    within(call.createdAt, filters),
};

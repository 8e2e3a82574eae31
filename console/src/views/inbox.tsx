/** LiveKit's webhooks: how they were processed, what they say, and replay. */

import { useState } from "preact/hooks";
import { parsed, request, withQuery } from "../api/client";
import type { InboxEntry, InboxEntryWithBody } from "../api/inbox";
import type { DomainEvent } from "../api/types";
import { seconds, timeOf } from "../ui/format";
import { RawJson } from "../ui/parts";
import { Failed, Loading, Status } from "../ui/states";
import { useAction } from "../ui/use_action";
import { useFollowedPages } from "../ui/use_followed";
import type { Pace } from "../ui/use_news";
import { useResource } from "../ui/use_resource";

interface Props {
  filter: Record<string, string | undefined>;
  concerns(event: DomainEvent): boolean;
  pace: Pace;
  /** What is said where there is none. */
  none: string;
}

export function InboxEntries({ filter, concerns, pace, none }: Props) {
  const path = withQuery("/inbox", filter);
  const { items, error, complete, more, reload } = useFollowedPages<InboxEntry>(
    path,
    "events",
    concerns,
    pace,
    ["inbox"],
  );
  return (
    <>
      {error !== null && <Failed error={error} retry={() => void reload()} />}
      {items === null && error === null && <Loading what="LiveKit's webhooks" />}
      {items?.length === 0 && <p class="dim">{none}</p>}
      {items !== null && items.length > 0 && (
        <ul class="versions" aria-label="LiveKit's webhooks">
          {items.map((entry) => (
            <EntryRow key={entry.eventId} entry={entry} changed={() => void reload()} />
          ))}
        </ul>
      )}
      {!complete && (
        <button type="button" onClick={() => void more()}>
          Older webhooks
        </button>
      )}
    </>
  );
}

function EntryRow({ entry, changed }: { entry: InboxEntry; changed(): void }) {
  const [open, setOpen] = useState(false);
  const { busy, error, run } = useAction();
  const path = `/inbox/${encodeURIComponent(entry.eventId)}`;
  const replay = async () => {
    await request("POST", `${path}/replay`);
    changed();
  };
  return (
    <li>
      <details
        onToggle={(event) => {
          if (event.currentTarget.open) setOpen(true);
        }}
      >
        <summary>
          {entry.kind} <Status status={entry.status} />{" "}
          <span class="dim">
            {entry.roomName !== null && `${entry.roomName} · `}
            received {timeOf(entry.receivedAt)}
            {processed(entry)}
          </span>
          {entry.status !== "handled" && entry.lastError !== null && (
            <span class="failed"> {entry.lastError}</span>
          )}
        </summary>
        {open && <Body key={`${entry.status} ${entry.handledAt ?? ""}`} path={path} />}
      </details>
      {error !== null && <Failed error={error} />}
      {entry.status !== "pending" && (
        <button
          type="button"
          disabled={busy}
          aria-label={`Replay ${entry.kind} of ${timeOf(entry.receivedAt)}`}
          onClick={() => void run(replay)}
        >
          Replay
        </button>
      )}
    </li>
  );
}

function processed(entry: InboxEntry): string {
  const { handledAt, receivedAt, failures, outages, nextAttemptAt } = entry;
  const attempts = failures + outages;
  return [
    handledAt !== null && `processed after ${took(Date.parse(handledAt) - Date.parse(receivedAt))}`,
    attempts > 0 && `${attempts.toString()} failed ${attempts === 1 ? "attempt" : "attempts"}`,
    nextAttemptAt !== null && `next attempt ${timeOf(nextAttemptAt)}`,
  ]
    .filter((part) => part !== false)
    .map((part) => ` · ${part}`)
    .join("");
}

function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toString()} ms` : seconds(milliseconds / 1000);
}

function Body({ path }: { path: string }) {
  const { value, error, reload } = useResource<InboxEntryWithBody>(path);
  if (error !== null) return <Failed error={error} retry={() => void reload()} />;
  if (value === null) return <Loading what="what LiveKit sent" />;
  const { body, ...entry } = value;
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label="What LiveKit sent">
        {JSON.stringify(parsed(body) ?? body, null, 2)}
      </pre>
      <RawJson value={entry} path={path} name="Raw entry" />
    </>
  );
}

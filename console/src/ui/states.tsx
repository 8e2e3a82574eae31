/** What a view shows when it has nothing else: each says what to do. */

import type { ComponentChildren } from "preact";
import { ApiError } from "../api/client";

export function Loading({ what }: { what: string }) {
  return (
    <p class="state" role="status">
      Loading {what} …
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="state">{children}</div>;
}

export function Failed({ error, retry }: { error: Error; retry?: (() => void) | undefined }) {
  const id = error instanceof ApiError ? error.requestId : null;
  return (
    <div class="state failed" role="alert">
      <p>{error.message}</p>
      {id !== null && (
        <p class="dim">
          The service's log has the details of request <code>{id}</code>.
        </p>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

const TONES: Record<string, string> = {
  active: "good",
  enabled: "good",
  handled: "good",
  succeeded: "good",
  ready: "good",
  ok: "good",
  agent_dispatched: "wait",
  created: "wait",
  ringing: "wait",
  pending: "wait",
  dispatch_failed: "bad",
  failed: "bad",
  not_ready: "bad",
  stopping: "bad",
  revoked: "bad",
  disabled: "bad",
  dead: "bad",
};

export function Status({ status }: { status: string }) {
  return <span class={`status ${TONES[status] ?? "done"}`}>{status.replaceAll("_", " ")}</span>;
}

/** Whether this browser is signed in, and what it may do. */

import { computed, signal } from "@preact/signals";
import { request, whenUnauthenticated } from "../api/client";
import type { ConsoleSession } from "../api/types";
import { stream } from "../live/live";

export type SignIn =
  | { is: "asking" }
  | { is: "failed"; error: Error }
  | { is: "out"; reason: string }
  | { is: "in"; session: ConsoleSession };

export const signIn = signal<SignIn>({ is: "asking" });

export const scopes = computed<ReadonlySet<string>>(() =>
  signIn.value.is === "in" ? new Set(signIn.value.session.scopes ?? []) : new Set(),
);

/** Whether one of these scopes is granted. */
export function may(...wanted: string[]): boolean {
  return scopes.value.has("admin") || wanted.some((scope) => scopes.value.has(scope));
}

const PATH = "/console/session";

/** Ask the service who this is. */
export async function resume(): Promise<void> {
  try {
    take(await request<ConsoleSession>("GET", PATH));
  } catch (error) {
    signIn.value = { is: "failed", error: error as Error };
  }
}

/** Exchange the key for the cookie; raises what the service answers. */
export async function enter(key: string): Promise<void> {
  take(await request<ConsoleSession>("POST", PATH, { key }));
}

export async function leave(): Promise<void> {
  await request("DELETE", PATH);
  stream.stop();
  signIn.value = { is: "out", reason: "You are signed out." };
}

whenUnauthenticated(() => {
  stream.stop();
  if (signIn.value.is === "in") {
    signIn.value = { is: "out", reason: "The session has ended, or its API key no longer works." };
  }
});

function take(session: ConsoleSession): void {
  if (session.state === "signed_out") {
    signIn.value = { is: "out", reason: session.reason ?? "Sign in with an API key." };
    return;
  }
  signIn.value = { is: "in", session };
  stream.start();
}

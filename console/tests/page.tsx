/** The console on a service for tests, signed in with an operator's key. */

import { act, cleanup, render, screen } from "@testing-library/preact";
import { App } from "../src/app";
import { stream } from "../src/live/live";
import { hashOf, place, placeOf } from "../src/router";
import { resume, signIn } from "../src/state/session";
import { SIGNED_IN } from "./records";
import { FakeService, json } from "./service";

export const XSS = `"><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>`;

export function newService(): FakeService {
  return new FakeService()
    .on("GET /console/session", () => json(SIGNED_IN))
    .on("GET /sessions", () => json({ sessions: [], nextCursor: null }))
    .on("GET /telephony/calls", () => json({ calls: [], nextCursor: null }));
}

export function go(...path: string[]): void {
  history.replaceState(null, "", hashOf(path));
  place.value = placeOf(location.hash);
}

export async function open(...path: string[]): Promise<void> {
  go(...path);
  render(<App />);
  await resume();
}

export function close(): void {
  // Without it the views' effects end later, in the next test.
  void act(cleanup);
  stream.stop();
  signIn.value = { is: "asking" };
}

export const heading = (name: string | RegExp) => screen.findByRole("heading", { level: 1, name });

/** Requests that buttons send: one at a time, with what the service refuses. */

import { useState } from "preact/hooks";

export interface Action {
  busy: boolean;
  error: Error | null;
  /** Run `action`; return whether it succeeded. */
  run(action: () => Promise<unknown>): Promise<boolean>;
}

export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const run = async (action: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await action();
      return true;
    } catch (raised) {
      setError(raised as Error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}

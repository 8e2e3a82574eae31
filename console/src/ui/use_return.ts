/** The service's return, after it did not answer. */

import { useEffect, useRef } from "preact/hooks";
import { streamState } from "../live/live";

/** Call `action` whenever the live stream is open again. */
export function useReturn(action: () => void): void {
  const current = useRef(action);
  current.current = action;
  useEffect(() => {
    let was = streamState.value.is;
    return streamState.subscribe(({ is }) => {
      if (is === "live" && was !== "live") current.current();
      was = is;
    });
  }, []);
}

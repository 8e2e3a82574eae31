/** What waits in the service; only an operator's key may know. */

import { useEffect, useState } from "preact/hooks";
import { type Backlog, readBacklog } from "../state/metrics";
import { may } from "../state/session";
import { COUNTED, useNews } from "./use_news";

export interface ReadBacklog {
  value: Backlog | null;
  error: Error | null;
  reload(): void;
}

export function useBacklog(): ReadBacklog {
  const [value, setValue] = useState<Backlog | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const permitted = may("admin");
  const reload = () => {
    if (!permitted) return;
    readBacklog().then((found) => {
      setValue(found);
      setError(null);
    }, setError);
  };
  useEffect(reload, [permitted]);
  useNews(reload, COUNTED, undefined, ["deliveries", "inbox"]);
  return { value, error, reload };
}

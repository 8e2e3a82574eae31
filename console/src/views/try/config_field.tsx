/** The agent's configuration for one session, as JSON. */

import { useEffect, useId, useRef, useState } from "preact/hooks";

interface Props {
  /** Whether it is merged into a saved agent's. */
  merged: boolean;
  value: Record<string, unknown>;
  change(value: Record<string, unknown>): void;
  error: Error | null;
}

export function ConfigField({ merged, value, change }: Props) {
  const id = useId();
  const [text, setText] = useState(() => JSON.stringify(value, null, 2));
  const field = useRef<HTMLTextAreaElement>(null);
  const [fault, setFault] = useState("");
  useEffect(() => field.current?.setCustomValidity(fault), [fault]);
  return (
    <details>
      <summary>Configuration for this session only</summary>
      <div class="field">
        <label for={id}>
          {merged ? "What differs from the saved agent's (JSON)" : "Configuration (JSON)"}
        </label>
        <textarea
          id={id}
          ref={field}
          rows={8}
          value={text}
          spellcheck={false}
          onInput={(event) => {
            setText(event.currentTarget.value);
            try {
              change(JSON.parse(event.currentTarget.value || "{}") as Record<string, unknown>);
              setFault("");
            } catch (error) {
              setFault((error as Error).message);
            }
          }}
        />
      </div>
    </details>
  );
}

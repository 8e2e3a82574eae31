/** A form that is sent to the API: what is refused is shown at its field. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Failed } from "../ui/states";
import { type Problem, problemsOf, type Schema } from "./schema";
import { type Choice, SchemaForm, type Value } from "./schema_form";

interface Props {
  label: string;
  schema: Schema;
  initial: Value;
  choices?: Readonly<Record<string, readonly Choice[]>>;
  /** What its button says. */
  action: string;
  /** Where leaving it leads. */
  back: string;
  /** Send the value; raises what the service answers. */
  send(value: Value): Promise<void>;
  children?: ComponentChildren;
}

export function ResourceForm({ label, schema, initial, action, back, send, ...rest }: Props) {
  const [value, setValue] = useState(initial);
  const [error, setError] = useState<Error | null>(null);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    setBusy(true);
    try {
      await send(value);
      setError(null);
      setProblems([]);
    } catch (raised) {
      const found = problemsOf(raised as Error);
      setProblems(found);
      setError(found.length === 0 ? (raised as Error) : null);
    }
    setBusy(false);
  };

  return (
    <form
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void submit();
      }}
    >
      <SchemaForm
        schema={schema}
        value={value}
        onChange={setValue}
        problems={problems}
        choices={rest.choices ?? {}}
      />
      {error !== null && <Failed error={error} />}
      <p class="actions">
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? "Sending …" : action}
        </button>{" "}
        <a href={back}>Cancel</a> {rest.children}
      </p>
    </form>
  );
}

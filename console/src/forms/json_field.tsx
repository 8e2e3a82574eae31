/** A value that is edited as JSON: free-form objects, and what has several types. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { isExact } from "../api/client";
import type { Plain } from "./schema";
import type { Labelled, Value } from "./schema_form";

interface Props extends Labelled {
  schema: Plain;
  value: unknown;
  /** Undefined where the field is empty. */
  onChange(value: unknown): void;
}

const NAMES: Partial<Record<Plain["is"], string>> = { object: "an object", array: "a list" };

function textOf(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

/** Return the value of `text`; raise what is wrong with it. */
export function parseJson(text: string, is: Plain["is"], nullable: boolean): unknown {
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isExact(text)) throw new Error("A browser cannot hold a number of this many digits.");
  const wanted = NAMES[is];
  if (wanted === undefined || (value === null && nullable)) return value;
  const found = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  if (found !== is) throw new Error(`This must be ${wanted} in JSON.`);
  return value;
}

export function JsonField({ schema, value, onChange, ...shared }: Props) {
  const { id, label, messages, described } = shared;
  const [text, setText] = useState(() => textOf(value));
  const [fault, setFault] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const given = useRef(textOf(value));

  useEffect(() => {
    // The form was given another value; what is being typed stays as it is.
    if (textOf(value) === given.current) return;
    given.current = textOf(value);
    setText(given.current);
    setFault("");
  }, [value]);
  // The browser then sends no form with it, and leads to the field.
  useEffect(() => field.current?.setCustomValidity(fault), [fault]);

  return (
    <>
      <label for={id}>
        {label} <span class="dim">(JSON)</span>
      </label>
      <textarea
        id={id}
        ref={field}
        class="json"
        rows={3}
        spellcheck={false}
        autocomplete="off"
        required={shared.required}
        aria-invalid={messages.length > 0 || fault !== ""}
        aria-describedby={fault === "" ? described : `${id}-fault`}
        value={text}
        onInput={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          try {
            const found = parseJson(typed, schema.is, schema.nullable);
            given.current = textOf(found);
            setFault("");
            onChange(found);
          } catch (error) {
            setFault((error as Error).message);
          }
        }}
      />
      {fault !== "" && (
        <p class="failed" id={`${id}-fault`} role="status">
          {fault}
        </p>
      )}
    </>
  );
}

interface FurtherProps {
  known: string[];
  value: Value;
  onChange(value: Value): void;
}

/** The keys of an object that its schema does not name, such as those of a worker's own. */
export function FurtherKeys({ known, value, onChange }: FurtherProps) {
  const entries = Object.entries(value);
  const of = (named: boolean) =>
    Object.fromEntries(entries.filter(([name]) => known.includes(name) === named));
  const rest = of(false);
  return (
    <div class="field">
      <JsonField
        id={useId()}
        label="Further keys"
        required={false}
        messages={[]}
        described={undefined}
        schema={{ is: "object", nullable: false }}
        value={Object.keys(rest).length === 0 ? undefined : rest}
        onChange={(given) => {
          onChange({ ...of(true), ...(given as Value | undefined) });
        }}
      />
    </div>
  );
}

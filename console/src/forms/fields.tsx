/** The fields of a generated form, by the kind of their value. */

import { useRef } from "preact/hooks";
import type { Plain } from "./schema";
import type { Choice, Labelled } from "./schema_form";

interface Given<T> extends Labelled {
  value: T | null | undefined;
  /** Undefined: the field's default. */
  onChange(value: T | undefined): void;
}

type WithSchema<T> = Given<T> & { schema: Plain };

const LONG = 60;
const LONGEST_LINE = 256;

/** Whether a text may have several lines, such as a prompt. */
function isLong({ default: usual, maxLength = 0, format, pattern }: Plain): boolean {
  if (format !== undefined || pattern !== undefined) return false;
  return maxLength > LONGEST_LINE || typeof usual !== "string" || usual.length > LONG;
}

function attributes({ id, required, messages, described }: Labelled) {
  return {
    id,
    required,
    "aria-invalid": messages.length > 0,
    "aria-describedby": described,
  };
}

export function TextField({ schema, value, onChange, ...shared }: WithSchema<string>) {
  const given = {
    ...attributes(shared),
    value: value ?? "",
    placeholder: typeof schema.default === "string" ? schema.default : "",
    spellcheck: false,
    autocomplete: "off",
    onInput: (event: { currentTarget: { value: string } }) => {
      const text = event.currentTarget.value;
      onChange(text === "" && !shared.required ? undefined : text);
    },
  };
  // An input would drop the line breaks of a value that has some.
  const long = isLong(schema) || (value ?? "").includes("\n");
  return (
    <>
      <label for={shared.id}>{shared.label}</label>
      {long ? <textarea rows={2} {...given} /> : <input type="text" {...given} />}
    </>
  );
}

export function NumberField({ schema, value, onChange, ...shared }: WithSchema<number>) {
  return (
    <>
      <label for={shared.id}>{shared.label}</label>
      <input
        {...attributes(shared)}
        type="number"
        min={schema.minimum}
        max={schema.maximum}
        step={schema.is === "integer" ? 1 : "any"}
        placeholder={typeof schema.default === "number" ? schema.default.toString() : ""}
        value={value ?? ""}
        onInput={(event) => {
          const number = event.currentTarget.valueAsNumber;
          onChange(Number.isNaN(number) ? undefined : number);
        }}
      />
    </>
  );
}

/** The first choice stands for the default, if there may be none. */
function usual({ default: value }: Plain): string {
  if (value === undefined || value === null) return "default";
  return `default (${typeof value === "boolean" ? words(value) : String(value as string)})`;
}

function words(value: boolean): string {
  return value ? "yes" : "no";
}

interface ChoiceProps extends WithSchema<string> {
  choices: readonly Choice[];
}

export function ChoiceField({ schema, choices, value, onChange, ...shared }: ChoiceProps) {
  const known = choices.some((choice) => choice.value === value);
  return (
    <>
      <label for={shared.id}>{shared.label}</label>
      <select
        {...attributes(shared)}
        value={value ?? ""}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          onChange(chosen === "" ? undefined : chosen);
        }}
      >
        <option value="">{shared.required ? "choose …" : usual(schema)}</option>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
        {!known && typeof value === "string" && <option value={value}>{value}</option>}
      </select>
    </>
  );
}

export function BooleanField({ schema, value, onChange, ...shared }: WithSchema<boolean>) {
  const choices = [true, false].map((each) => ({ value: each.toString(), label: words(each) }));
  return (
    <ChoiceField
      {...shared}
      schema={schema}
      choices={choices}
      value={value?.toString()}
      onChange={(chosen) => {
        onChange(chosen === undefined ? undefined : chosen === "true");
      }}
    />
  );
}

export function ListField({ value, onChange, ...shared }: Given<string[]>) {
  const items = value ?? [];
  const box = useRef<HTMLDivElement>(null);
  const focus = (selector: string) => {
    // After the change has been drawn.
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(selector)?.focus());
  };
  return (
    <div role="group" aria-labelledby={shared.id} aria-describedby={shared.described} ref={box}>
      <span class="label" id={shared.id}>
        {shared.label}
      </span>
      {items.map((item, index) => (
        <div class="item" key={index}>
          <input
            type="text"
            aria-label={`${shared.label} ${(index + 1).toString()}`}
            aria-invalid={shared.messages.length > 0}
            autocomplete="off"
            spellcheck={false}
            value={item}
            onInput={(event) => {
              onChange(items.with(index, event.currentTarget.value));
            }}
          />
          <button
            type="button"
            aria-label={`Remove ${item === "" ? `entry ${(index + 1).toString()}` : item}`}
            onClick={() => {
              const left = items.toSpliced(index, 1);
              onChange(left.length === 0 ? undefined : left);
              focus(".add");
            }}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        class="add"
        aria-label={`Add to ${shared.label}`}
        onClick={() => {
          onChange([...items, ""]);
          focus(".item:last-of-type input");
        }}
      >
        Add
      </button>
    </div>
  );
}

/** A form that is generated from a JSON schema; the service alone says what is valid. */

import { useEffect, useId, useRef } from "preact/hooks";
import { FurtherKeys, JsonField } from "./json_field";
import { BooleanField, ChoiceField, ListField, NumberField, TextField } from "./fields";
import { fieldAt, hasFields, labelOf, plain, type Plain, type Problem, type Schema } from "./schema";

export type Value = Record<string, unknown>;

/** A value that a field may have, and its name. */
export interface Choice {
  value: string;
  label: string;
}

export interface SchemaFormProps {
  /** An object's schema without references, as `schemaOf` returns it. */
  schema: Schema;
  /** An absent key stands for the field's default. */
  value: Value;
  onChange(value: Value): void;
  /** What the service refused; each is shown at its field, which gets the focus. */
  problems: readonly Problem[];
  /** What may be chosen for a field, by its path, where the schema does not know it. */
  choices?: Readonly<Record<string, readonly Choice[]>>;
}

/** The fields of a form; the caller adds the `<form>` and its buttons. */
export function SchemaForm({ schema, value, onChange, problems, choices = {} }: SchemaFormProps) {
  const box = useRef<HTMLDivElement>(null);
  const placed = problems.map(({ path, message }) => ({ path: fieldAt(schema, path), message }));
  useEffect(() => {
    if (problems.length === 0) return;
    box.current?.querySelector<HTMLElement>("[aria-invalid=true], .problem")?.focus();
  }, [problems]);
  return (
    <div class="schema" ref={box}>
      <Messages id={useId()} messages={messagesOf(placed, "")} />
      <Fields
        schema={plain(schema)}
        path=""
        value={value}
        onChange={onChange}
        form={{ problems: placed, choices }}
      />
    </div>
  );
}

interface Form {
  problems: Problem[];
  choices: Readonly<Record<string, readonly Choice[]>>;
}

interface FieldsProps {
  schema: Plain;
  path: string;
  value: Value;
  onChange(value: Value): void;
  form: Form;
}

function Fields({ schema, path, value, onChange, form }: FieldsProps) {
  const { properties = {}, required = [], additionalProperties } = schema;
  const set = (name: string, given: unknown) => {
    const others = Object.entries(value).filter(([other]) => other !== name);
    onChange(given === undefined ? Object.fromEntries(others) : { ...value, [name]: given });
  };
  const known = Object.keys(properties);
  return (
    <>
      {Object.entries(properties).map(([name, each]) => (
        <Field
          key={name}
          name={name}
          path={path === "" ? name : `${path}.${name}`}
          schema={plain(each)}
          required={required.includes(name)}
          value={value[name]}
          onChange={(given) => {
            set(name, given);
          }}
          form={form}
        />
      ))}
      {path !== "" && additionalProperties !== false && (
        <FurtherKeys known={known} value={value} onChange={onChange} />
      )}
    </>
  );
}

interface FieldProps {
  name: string;
  path: string;
  schema: Plain;
  required: boolean;
  value: unknown;
  onChange(value: unknown): void;
  form: Form;
}

/** What every field has, whatever its kind. */
export interface Labelled {
  id: string;
  label: string;
  required: boolean;
  messages: string[];
  /** The id of what describes the field. */
  described: string | undefined;
}

function Field({ name, path, schema, required, value, onChange, form }: FieldProps) {
  const id = useId();
  const messages = messagesOf(form.problems, path);
  const label = labelOf(name);
  if (hasFields(schema) && isObject(value ?? {})) {
    return (
      <fieldset>
        <legend>{label}</legend>
        <Messages id={id} messages={messages} />
        <Fields
          schema={schema}
          path={path}
          value={(value ?? {}) as Value}
          onChange={(given) => {
            onChange(Object.keys(given).length === 0 && !required ? undefined : given);
          }}
          form={form}
        />
      </fieldset>
    );
  }
  const described = messages.length > 0 ? `${id}-problem` : undefined;
  const choices = form.choices[path] ?? schema.enum?.map(choiceOf);
  return (
    <div class="field">
      <Control {...{ id, label, required, messages, described, schema, choices, value, onChange }} />
      <Messages id={id} messages={messages} />
    </div>
  );
}

interface ControlProps extends Labelled {
  schema: Plain;
  choices: readonly Choice[] | undefined;
  value: unknown;
  onChange(value: unknown): void;
}

/** A value that is not of its field's type is shown as it is, as JSON. */
function Control({ choices, value, ...props }: ControlProps) {
  const { is, items = {} } = props.schema;
  if (choices !== undefined && isOptional(value, isText)) {
    return <ChoiceField {...props} choices={choices} value={value} />;
  }
  if (is === "boolean" && isOptional(value, isBoolean)) {
    return <BooleanField {...props} value={value} />;
  }
  if ((is === "number" || is === "integer") && isOptional(value, isNumber)) {
    return <NumberField {...props} value={value} />;
  }
  if (is === "array" && plain(items).is === "string" && isOptional(value, areTexts)) {
    return <ListField {...props} value={value} />;
  }
  if (is === "string" && isOptional(value, isText)) return <TextField {...props} value={value} />;
  return <JsonField {...props} value={value} />;
}

function Messages({ id, messages }: { id: string; messages: string[] }) {
  if (messages.length === 0) return null;
  return (
    <p class="problem failed" id={`${id}-problem`} role="alert" tabIndex={-1}>
      {messages.join(" ")}
    </p>
  );
}

function messagesOf(problems: Problem[], path: string): string[] {
  return problems.filter((each) => each.path === path).map((each) => each.message);
}

function choiceOf(value: unknown): Choice {
  const text = String(value);
  return { value: text, label: text.replaceAll("_", " ") };
}

function isObject(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOptional<T>(
  value: unknown,
  isOne: (value: unknown) => value is T,
): value is T | null | undefined {
  return value === null || value === undefined || isOne(value);
}

const isText = (value: unknown) => typeof value === "string";
const isBoolean = (value: unknown) => typeof value === "boolean";
const isNumber = (value: unknown) => typeof value === "number";
const areTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

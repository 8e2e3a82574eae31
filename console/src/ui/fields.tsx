/** Fields of forms that are written by hand; those of schemas are in `forms`. */

import { useId } from "preact/hooks";

interface FieldProps {
  label: string;
  value: string;
  type?: "text" | "url" | "number";
  required?: boolean;
  placeholder?: string;
  maxLength?: number;
  min?: number;
  max?: number;
  autocomplete?: "off";
  spellcheck?: false;
  change(value: string): void;
}

/** An input with its label; further properties are the input's attributes. */
export function Field({ label, change, ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...(input as object)} // whose type would differ for each `type`
        id={id}
        onInput={(event) => {
          change(event.currentTarget.value);
        }}
      />
    </div>
  );
}

/** A short text that is no prose. */
export function TextField(props: FieldProps) {
  return <Field type="text" autocomplete="off" spellcheck={false} {...props} />;
}

interface ChoiceProps {
  name: string;
  checked: boolean;
  set(on: boolean): void;
}

/** A box to check. */
export function Choice({ name, checked, set }: ChoiceProps) {
  const id = useId();
  return (
    <label for={id} class="choice">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        onChange={(event) => {
          set(event.currentTarget.checked);
        }}
      />{" "}
      {name}
    </label>
  );
}

interface ChoicesProps {
  names: readonly string[];
  chosen: readonly string[];
  change(how: (before: string[]) => string[]): void;
}

/** A box for each of the names; `change` is given what turns the names chosen before into the new. */
export function Choices({ names, chosen, change }: ChoicesProps) {
  return (
    <>
      {names.map((name) => (
        <Choice
          key={name}
          name={name}
          checked={chosen.includes(name)}
          set={(on) => {
            change((old) => (on ? [...old, name] : old.filter((each) => each !== name)));
          }}
        />
      ))}
    </>
  );
}

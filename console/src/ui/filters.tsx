/** Filters of a list, kept in the address so that a view can be shared. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { setQuery } from "../router";

export interface Filter {
  name: string;
  label: string;
  choices?: string[];
  time?: boolean;
  date?: boolean;
  /** Applied while it is typed. */
  search?: boolean;
  placeholder?: string;
}

interface Props {
  filters: Filter[];
  values: Record<string, string>;
}

export function Filters({ filters, values }: Props) {
  const set = (name: string, value: string) => {
    setQuery({ ...values, [name]: value });
  };
  const used = Object.values(values).some((value) => value !== "");
  return (
    <search class="filters">
      {filters.map((filter) => (
        <FilterField key={filter.name} filter={filter} value={values[filter.name] ?? ""} set={set} />
      ))}
      {used && (
        <button
          type="button"
          onClick={() => {
            setQuery({});
          }}
        >
          Clear filters
        </button>
      )}
    </search>
  );
}

interface FieldProps {
  filter: Filter;
  value: string;
  set(name: string, value: string): void;
}

function FilterField({ filter, value, set }: FieldProps) {
  const id = useId();
  const { name, label, choices, time, date, search, placeholder } = filter;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {choices ? (
        <select
          id={id}
          value={value}
          onChange={(event) => {
            set(name, event.currentTarget.value);
          }}
        >
          <option value="">any</option>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice.replaceAll("_", " ")}
            </option>
          ))}
        </select>
      ) : search ? (
        <SearchField
          id={id}
          value={value}
          placeholder={placeholder}
          set={(typed) => {
            set(name, typed);
          }}
        />
      ) : time ? (
        <input
          id={id}
          type="datetime-local"
          value={localOf(value)}
          onChange={(event) => {
            set(name, utcOf(event.currentTarget.value));
          }}
        />
      ) : date ? (
        <input
          id={id}
          type="date"
          value={value}
          onChange={(event) => {
            set(name, event.currentTarget.value);
          }}
        />
      ) : (
        <input
          id={id}
          type="text"
          value={value}
          placeholder={placeholder}
          autocomplete="off"
          spellcheck={false}
          onChange={(event) => {
            set(name, event.currentTarget.value);
          }}
        />
      )}
    </div>
  );
}

interface SearchProps {
  id: string;
  value: string;
  placeholder: string | undefined;
  set(value: string): void;
}

export const TYPING_MS = 300;

/** A text that is applied once its typing pauses, at once on Enter. */
function SearchField({ id, value, placeholder, set }: SearchProps) {
  const [typed, setTyped] = useState(value);
  const latest = useRef({ set, applied: value });
  latest.current.set = set;
  useEffect(() => {
    if (value === latest.current.applied) return;
    latest.current.applied = value; // changed elsewhere: cleared, or another address
    setTyped(value);
  }, [value]);
  const apply = (text: string) => {
    if (text.trim() === latest.current.applied) return;
    latest.current.applied = text.trim();
    latest.current.set(text.trim());
  };
  useEffect(() => {
    const timer = setTimeout(() => {
      apply(typed);
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed]);
  return (
    <input
      id={id}
      type="search"
      value={typed}
      placeholder={placeholder}
      maxLength={512}
      autocomplete="off"
      spellcheck={false}
      onInput={(event) => {
        setTyped(event.currentTarget.value);
      }}
      onChange={(event) => {
        apply(event.currentTarget.value);
      }}
    />
  );
}

/** What a `datetime-local` field takes for a time in UTC. */
export function localOf(utc: string): string {
  const time = new Date(utc);
  if (utc === "" || Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function utcOf(local: string): string {
  const time = new Date(local);
  return local === "" || Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

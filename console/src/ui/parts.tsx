/** Parts of a record's page. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { TimelineEntry } from "../api/types";
import { sourceOf, timeOf, words } from "./format";

export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? "–"}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Timeline({ entries, createdAt }: { entries: TimelineEntry[]; createdAt: string }) {
  const began = Date.parse(createdAt);
  if (entries.length === 0) return <p class="dim">Nothing has happened yet.</p>;
  return (
    <ol class="timeline" aria-label="Timeline">
      {entries.map((entry, index) => (
        <li key={index} class={entry.source}>
          <time dateTime={entry.at}>{timeOf(entry.at)}</time>
          <span class="dim offset">{offset(Date.parse(entry.at) - began)}</span>
          <strong>{words(entry.what)}</strong>
          <span class="dim">reported by {sourceOf(entry.source)}</span>
          {entry.detail !== undefined && <span class="detail">{entry.detail}</span>}
        </li>
      ))}
    </ol>
  );
}

function offset(milliseconds: number): string {
  if (Number.isNaN(milliseconds)) return "";
  const sign = milliseconds < 0 ? "−" : "+";
  return `${sign}${(Math.abs(milliseconds) / 1000).toFixed(2)} s`;
}

interface RawProps {
  value: unknown;
  path: string;
  name?: string;
}

export function RawJson({ value, path, name = "Raw JSON" }: RawProps) {
  const [open, setOpen] = useState(false);
  return (
    <details
      class="raw"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{name}</summary>
      <p class="dim">
        <code>GET {path}</code>
      </p>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} aria-label={name}>
        {open && JSON.stringify(value, null, 2)}
      </pre>
    </details>
  );
}

export function Configuration({ values }: { values: Record<string, unknown> }) {
  const facts = Object.entries(values).map(([name, value]): [string, ComponentChildren] => [
    name,
    typeof value === "string" ? (
      <span class="text">{value}</span>
    ) : (
      <code>{JSON.stringify(value)}</code>
    ),
  ]);
  return <Facts facts={facts} />;
}

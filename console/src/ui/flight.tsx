/** What is drawn of rows that go by: their text, in one element for each column. */

import type { ComponentChildren } from "preact";
import { placedAt, type Range, ROW_HEIGHT } from "./rows";

interface Props<T> {
  range: Range;
  columns: string[];
  items: readonly T[];
  row(item: T): { cells: ComponentChildren[] };
}

/** Cover what is in sight; screen readers are left the rows that were drawn last. */
export function Flight<T>({ range: { first, last }, columns, items, row }: Props<T>) {
  const rows = items.slice(first, last).map((item) => row(item).cells.map(lineOf));
  const height = `${(rows.length * ROW_HEIGHT).toString()}px`;
  return (
    <div class="row flight" aria-hidden="true" style={{ ...placedAt(first), height }}>
      {columns.map((_, column) => (
        <span class="cell">{rows.map((cells) => cells[column]).join("\n")}</span>
      ))}
    </div>
  );
}

function lineOf(cell: ComponentChildren): string {
  return typeof cell === "string" ? cell.replaceAll(/[\s\u0085]/g, " ") : "";
}

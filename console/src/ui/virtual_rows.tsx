/** Rows of a long table: only those in sight are in the document. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export const ROW_HEIGHT = 40;
const BEYOND = 10;
/** The next page is read before its rows come into sight. */
const AHEAD = 100;

interface Props {
  label: string;
  columns: string[];
  count: number;
  row(index: number): { key: string; href: string; cells: ComponentChildren[] };
  /** Called when the end is near. */
  onEnd(): void;
  footer: ComponentChildren;
}

/** The rows to draw: `first` included, `last` not. */
export function inSight(
  scrolled: number,
  height: number,
  count: number,
): { first: number; last: number } {
  const first = Math.max(0, Math.floor(scrolled / ROW_HEIGHT) - BEYOND);
  const last = Math.min(count, Math.ceil((scrolled + height) / ROW_HEIGHT) + BEYOND);
  return { first: Math.min(first, Math.max(0, last)), last };
}

export function VirtualRows({ label, columns, count, row, onEnd, footer }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ first: 0, last: Math.min(count, 40) });

  const look = () => {
    const element = box.current;
    if (element === null) return;
    const found = inSight(element.scrollTop, element.clientHeight || 600, count);
    setSight((old) => (old.first === found.first && old.last === found.last ? old : found));
    if (found.last + AHEAD >= count) onEnd();
  };

  useEffect(look, [count]);
  useEffect(() => {
    const element = box.current;
    if (element === null || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  });

  const rows = [];
  for (let index = sight.first; index < Math.min(sight.last, count); index += 1) {
    const { key, href, cells } = row(index);
    rows.push(
      <div
        key={key}
        class="row"
        role="row"
        aria-rowindex={index + 2}
        style={{ transform: `translateY(${(index * ROW_HEIGHT).toString()}px)` }}
      >
        {cells.map((cell, column) => (
          <span role="cell" class="cell" data-label={columns[column]} key={column}>
            {column === 0 ? <a href={href}>{cell}</a> : cell}
          </span>
        ))}
      </div>,
    );
  }
  return (
    <div class="table">
      <div role="table" aria-label={label} aria-rowcount={count + 1}>
        <div role="rowgroup">
          <div class="row head" role="row" aria-rowindex={1}>
            {columns.map((column) => (
              <span role="columnheader" class="cell" key={column}>
                {column}
              </span>
            ))}
          </div>
        </div>
        {/* Focusable, so that the keyboard can scroll it. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div class="rows" role="rowgroup" tabIndex={0} ref={box} onScroll={look}>
          <div class="all" style={{ height: `${(count * ROW_HEIGHT).toString()}px` }}>
            {rows}
          </div>
        </div>
      </div>
      <div class="dim foot" role="status">
        {footer}
      </div>
    </div>
  );
}

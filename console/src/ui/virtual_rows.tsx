/** Rows of a long table: only those in sight are in the document. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Flight } from "./flight";
import { inSight, movedTo, placedAt, type Range, ROW_HEIGHT } from "./rows";

/** The next page is read before its rows come into sight. */
const AHEAD = 100;
const UNKNOWN_HEIGHT = 600;

interface Props<T> {
  label: string;
  columns: string[];
  items: readonly T[];
  id(item: T): string;
  row(item: T): { href: string; cells: ComponentChildren[] };
  /** Called when the end is near. */
  onEnd(): void;
  footer: ComponentChildren;
}

export function VirtualRows<T>({ label, columns, items, id, row, onEnd, footer }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: UNKNOWN_HEIGHT, flies: false });
  const scrolled = useRef({ top: 0, frame: 0 });

  const look = (flies: boolean, ahead = 0) => {
    const element = box.current;
    if (element === null) return;
    const top = Math.floor((element.scrollTop + ahead) / ROW_HEIGHT) * ROW_HEIGHT;
    const height = element.clientHeight || UNKNOWN_HEIGHT;
    setView((old) =>
      old.top === top && old.height === height && old.flies === flies ? old : { top, height, flies },
    );
  };

  // Rows that go by faster than they can be read are not worth a frame each: see `Flight`.
  const onScroll = ({ currentTarget }: { currentTarget: HTMLDivElement }) => {
    const { scrollTop, clientHeight } = currentTarget;
    const moved = scrollTop - scrolled.current.top;
    const flies = Math.abs(moved) > (clientHeight || UNKNOWN_HEIGHT) / 2;
    scrolled.current.top = scrollTop;
    cancelAnimationFrame(scrolled.current.frame);
    if (flies) {
      // The first callback is of this frame, before which the list was scrolled.
      scrolled.current.frame = requestAnimationFrame(() => {
        scrolled.current.frame = requestAnimationFrame(() => {
          look(false);
        });
      });
    }
    // By the time that a list which flies is drawn, it is where it moves to in the next frame.
    look(flies, flies && view.flies ? moved : 0);
  };

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      look(false);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);

  // Rows that come above those in sight do not move them, unless the newest are in sight.
  const before = useRef(items);
  useLayoutEffect(() => {
    const first = Math.floor(scrolled.current.top / ROW_HEIGHT);
    const now = movedTo(before.current, items, id, first);
    before.current = items;
    if (box.current === null || first === 0 || now === null || now === first) return;
    box.current.scrollTop += (now - first) * ROW_HEIGHT;
    scrolled.current.top = box.current.scrollTop;
  }, [items]);

  const seen = inSight(view.top, view.height, items.length);
  useEffect(() => {
    if (seen.last + AHEAD >= items.length) onEnd();
  }, [seen.last, items]);

  const drawn = useRef<Range>(seen);
  if (!view.flies) drawn.current = seen;
  const indexes: number[] = [];
  for (let at = drawn.current.first; at < Math.min(drawn.current.last, items.length); at += 1) {
    indexes.push(at);
  }
  // The row with the focus stays in the document, so that it keeps the focus.
  const focused = useRef<{ items: readonly T[]; index: number } | null>(null);
  if (focused.current !== null) {
    const index = movedTo(focused.current.items, items, id, focused.current.index);
    focused.current = index === null ? null : { items, index };
    if (index !== null && index < drawn.current.first) indexes.unshift(index);
    if (index !== null && index >= drawn.current.last) indexes.push(index);
  }
  return (
    <div class="table">
      <div role="table" aria-label={label} aria-rowcount={items.length + 1}>
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
        <div class="rows" role="rowgroup" tabIndex={0} ref={box} onScroll={onScroll}>
          <div
            class="all"
            style={{ height: `${(items.length * ROW_HEIGHT).toString()}px` }}
            onFocusIn={({ target }) => {
              const index = (target as Element).closest(".row")?.getAttribute("aria-rowindex");
              focused.current = { items, index: Number(index) - 2 };
            }}
            onFocusOut={() => (focused.current = null)}
          >
            {indexes.map((index) => {
              const item = items[index];
              return (
                item !== undefined && (
                  <Row key={id(item)} items={items} index={index} row={row} />
                )
              );
            })}
            {view.flies && <Flight range={seen} columns={columns} items={items} row={row} />}
          </div>
        </div>
      </div>
      <div class="dim foot" role="status">
        {footer}
      </div>
    </div>
  );
}

interface RowProps<T> extends Pick<Props<T>, "items" | "row"> {
  index: number;
}

function Row<T>({ items, index, row }: RowProps<T>) {
  return useMemo(() => {
    const { href, cells } = row(items[index] as T);
    return (
      <div class="row" role="row" aria-rowindex={index + 2} style={placedAt(index)}>
        {cells.map((cell, column) => (
          <span role="cell" class="cell">
            {column === 0 ? <a href={href}>{cell}</a> : cell}
          </span>
        ))}
      </div>
    );
  }, [items, index, row]);
}

/** Where rows of one height are in a long list. */

export const ROW_HEIGHT = 40;
const BEYOND = 10;

/** Rows from `first`, included, to `last`, excluded. */
export interface Range {
  first: number;
  last: number;
}

/** Return the rows to draw of a list that is `scrolled` so far, or as far as it can be. */
export function inSight(scrolled: number, height: number, count: number): Range {
  const top = Math.max(0, Math.min(scrolled, count * ROW_HEIGHT - height));
  return {
    first: Math.max(0, Math.floor(top / ROW_HEIGHT) - BEYOND),
    last: Math.min(count, Math.ceil((top + height) / ROW_HEIGHT) + BEYOND),
  };
}

/** Return the style that puts an element where the row is. */
export function placedAt(index: number): { transform: string } {
  return { transform: `translateY(${(index * ROW_HEIGHT).toString()}px)` };
}

/**
 * Return the present index of the row that was at `index`.
 *
 * Null if it is gone, or if rows were added or removed both before and behind it.
 */
export function movedTo<T>(
  before: readonly T[],
  items: readonly T[],
  id: (item: T) => string,
  index: number,
): number | null {
  const [item] = before.slice(index, index + 1);
  if (item === undefined) return null;
  const isAt = (at: number) => items.slice(at, at + 1).some((each) => id(each) === id(item));
  return [index, index + items.length - before.length].find(isAt) ?? null;
}

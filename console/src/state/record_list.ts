/** A list that is read page by page, newest first, and kept current by events. */

import { batch, signal } from "@preact/signals";
import { request, withQuery } from "../api/client";
import { isNews } from "../live/live";

export interface Listed {
  createdAt: string;
  endedAt: string | null;
  timeline: unknown[];
}

export interface Kind<T extends Listed> {
  path: string;
  field: string;
  id(record: T): string;
  matches(record: T, filters: Record<string, string>): boolean;
}

export const PAGE = 200;

export class RecordList<T extends Listed> {
  readonly items = signal<readonly T[]>([]);
  readonly loading = signal(false);
  readonly error = signal<Error | null>(null);
  readonly complete = signal(false);
  /** Whether a first page has come. */
  readonly ready = signal(false);

  /** The ids of the items: a list may have 100,000. */
  private known = new Set<string>();
  private cursor: string | null = null;
  private reading: AbortController | null = null;
  /** What events told while a page was being read: the page may be older. */
  private meanwhile = new Map<string, T>();

  constructor(
    private readonly kind: Kind<T>,
    private readonly filters: Record<string, string>,
  ) {}

  /** Read the first page, and keep showing the old one until it comes. */
  async reload(): Promise<void> {
    this.reading?.abort();
    this.loading.value = false;
    this.cursor = null;
    await this.read(true);
  }

  async more(): Promise<void> {
    if (this.loading.value || this.complete.value || this.error.value !== null) return;
    await this.read(false);
  }

  /** Carry on after an error. */
  async retry(): Promise<void> {
    this.error.value = null;
    await this.read(!this.ready.value);
  }

  stop(): void {
    this.reading?.abort();
  }

  /** Take what an event told. */
  tell(record: T): void {
    if (this.loading.value) this.meanwhile.set(this.kind.id(record), record);
    this.items.value = this.with(this.items.value, record);
  }

  private async read(first: boolean): Promise<void> {
    const controller = new AbortController();
    this.reading = controller;
    this.loading.value = true;
    this.meanwhile.clear();
    try {
      const parameters = { ...this.filters, limit: PAGE.toString(), cursor: this.cursor ?? "" };
      const page = await request<Record<string, unknown>>(
        "GET",
        withQuery(this.kind.path, parameters),
        { signal: controller.signal },
      );
      if (controller.signal.aborted) return; // another read has begun
      const records = page[this.kind.field] as T[];
      this.cursor = page["nextCursor"] as string | null;
      batch(() => {
        this.complete.value = this.cursor === null;
        if (first) this.known.clear();
        let items = this.joined(first ? [] : this.items.value, records);
        for (const record of this.meanwhile.values()) items = this.with(items, record);
        this.items.value = items;
        this.ready.value = true;
        this.error.value = null;
      });
    } catch (error) {
      if (!controller.signal.aborted) this.error.value = error as Error;
    } finally {
      if (this.reading === controller) this.loading.value = false;
    }
  }

  private joined(items: readonly T[], records: T[]): readonly T[] {
    const news = records.filter((record) => !this.known.has(this.kind.id(record)));
    for (const record of news) this.known.add(this.kind.id(record));
    return [...items, ...news];
  }

  private with(items: readonly T[], record: T): readonly T[] {
    const id = this.kind.id(record);
    const matches = this.kind.matches(record, this.filters);
    if (this.known.has(id)) {
      const at = items.findIndex((item) => this.kind.id(item) === id);
      if (!isNews(items[at], record)) return items;
      if (matches) return items.with(at, record);
      this.known.delete(id);
      return items.toSpliced(at, 1);
    }
    if (!matches) return items;
    const place = this.placeOf(items, record);
    // What is older than all that has been read comes with its page.
    if (place === items.length && !this.complete.value && this.ready.value) return items;
    this.known.add(id);
    return items.toSpliced(place, 0, record);
  }

  /** Where a record belongs; most are new, and belong at the beginning. */
  private placeOf(items: readonly T[], record: T): number {
    const key = (each: T) => `${each.createdAt} ${this.kind.id(each)}`;
    const mine = key(record);
    const place = items.findIndex((item) => key(item) < mine);
    return place < 0 ? items.length : place;
  }
}

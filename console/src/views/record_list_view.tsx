/** The list of sessions or calls: filters, rows, and what there is instead. */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { follow, type Follower } from "../live/live";
import { place } from "../router";
import { type Kind, type Listed, RecordList } from "../state/record_list";
import { type Filter, Filters } from "../ui/filters";
import { Empty, Failed, Loading } from "../ui/states";
import { useReturn } from "../ui/use_return";
import { VirtualRows } from "../ui/virtual_rows";

interface Props<T extends Listed> {
  title: string;
  plural: string;
  kind: Kind<T>;
  filters: Filter[];
  columns: string[];
  row(record: T): { href: string; cells: ComponentChildren[] };
  follower(tell: (record: T) => void): Omit<Follower, "gap">;
  empty: ComponentChildren;
}

export function RecordListView<T extends Listed>(props: Props<T>) {
  const { title, plural, kind, filters, columns, row, follower, empty } = props;
  const values = place.value.query;
  const key = JSON.stringify(values);
  const list = useMemo(() => new RecordList(kind, values), [key, kind]);

  useEffect(() => {
    const unfollow = follow({
      ...follower((record) => {
        list.tell(record);
      }),
      gap: () => void list.reload(),
    });
    void list.reload();
    return () => {
      unfollow();
      list.stop();
    };
  }, [list]);

  useReturn(() => {
    if (list.error.value !== null) void list.retry();
  });

  const items = list.items.value;
  const error = list.error.value;
  return (
    <>
      <h1>{title}</h1>
      <Filters filters={filters} values={values} />
      {error !== null && <Failed error={error} retry={() => void list.retry()} />}
      {items.length > 0 && (
        <VirtualRows
          label={title}
          columns={columns}
          items={items}
          id={kind.id}
          row={row}
          onEnd={() => void list.more()}
          footer={
            list.complete.value
              ? `${items.length.toLocaleString()} ${plural}`
              : `The newest ${items.length.toLocaleString()} ${plural}; scroll for more, or choose a time`
          }
        />
      )}
      {items.length === 0 && error === null && !list.ready.value && <Loading what={plural} />}
      {items.length === 0 && list.ready.value && error === null && (
        <Empty>
          {Object.values(values).some((value) => value !== "") ? (
            <p>No {plural} match these filters. Change them, or clear them.</p>
          ) : (
            empty
          )}
        </Empty>
      )}
    </>
  );
}

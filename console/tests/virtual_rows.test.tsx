import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ROW_HEIGHT } from "../src/ui/rows";
import { VirtualRows } from "../src/ui/virtual_rows";

interface Item {
  id: number;
  name: string;
}

const HEIGHT = 600; // of a box that jsdom does not lay out
const MANY = itemsFrom(0, 100_000);
const onEnd = vi.fn();

function itemsFrom(first: number, count: number): Item[] {
  return Array.from({ length: count }, (_, at) => ({ id: first + at, name: `call ${(first + at).toString()}` }));
}

function list(items: readonly Item[]) {
  return (
    <VirtualRows
      label="Calls"
      columns={["Name", "State"]}
      items={items}
      id={({ id }) => id.toString()}
      row={({ id, name }) => ({ href: `#/${id.toString()}`, cells: [name, <b key="b">badge</b>] })}
      onEnd={onEnd}
      footer=""
    />
  );
}

const box = () => document.querySelector<HTMLElement>(".rows") as HTMLElement;
const flight = () => document.querySelector(".flight");
const indexes = () =>
  [...document.querySelectorAll(".all [role=row]")].map((row) => Number(row.getAttribute("aria-rowindex")) - 2);
const drawn = (index: number) =>
  screen.findByText(`call ${index.toString()}`, { selector: "a" }, { timeout: 20_000 });

function scrollTo(index: number) {
  box().scrollTop = index * ROW_HEIGHT;
  fireEvent.scroll(box());
}

beforeEach(() => {
  onEnd.mockClear();
});
afterEach(cleanup);

describe("a long list", () => {
  it("draws text alone while it flies, and its rows once it rests", async () => {
    render(list(MANY));
    const before = indexes();
    for (const index of [500, 550, 600]) {
      scrollTo(index);
      await Promise.resolve();
      expect(flight()).not.toBeNull();
      expect(flight()?.textContent).not.toContain("badge");
      expect(indexes()).toEqual(before);
    }
    expect(flight()?.textContent).toContain("call 650\n"); // where it goes
    await drawn(600);
    expect(flight()).toBeNull();
    expect(indexes()).toEqual(Array.from({ length: 35 }, (_, at) => 590 + at));
  });

  it("draws its rows at once where it is scrolled slowly", async () => {
    render(list(MANY));
    for (const index of [5, 10, 15]) {
      scrollTo(index);
      await Promise.resolve();
      expect(flight()).toBeNull();
      expect(indexes()).toContain(index + HEIGHT / ROW_HEIGHT);
    }
  });

  it("gives screen readers nothing that is not a row, and each row's true place", async () => {
    render(list(MANY));
    scrollTo(99_990);
    await waitFor(() => {
      expect(flight()).not.toBeNull();
    });
    expect(flight()?.getAttribute("aria-hidden")).toBe("true");
    expect(screen.getByRole("table").getAttribute("aria-rowcount")).toBe("100001");
    const row = (await drawn(99_999)).closest("[role=row]");
    expect(row?.getAttribute("aria-rowindex")).toBe("100001");
  });

  it("keeps each line in its place, whatever a stranger chose as a name", async () => {
    const names = ["a\nb", "c\r\nd", "e\u2028f", "g\u0085h"];
    render(list([...names.map((name, id) => ({ id, name })), ...itemsFrom(4, 60)]));
    scrollTo(10);
    await waitFor(() => {
      expect(flight()?.querySelector(".cell")?.textContent).toMatch(/^a b\nc {2}d\ne f\ng h\ncall 4\n/);
    });
  });

  it("reads on when its end is near, and not before", async () => {
    const page = itemsFrom(0, 1_000);
    const { rerender } = render(list(page));
    scrollTo(500);
    await drawn(500);
    expect(onEnd).not.toHaveBeenCalled();
    scrollTo(900);
    await drawn(900);
    expect(onEnd).toHaveBeenCalled();

    onEnd.mockClear();
    rerender(list([...page])); // read anew: what was being read was given up
    await waitFor(() => {
      expect(onEnd).toHaveBeenCalled();
    });
  });
});

describe("the focus in a long list", () => {
  it("stays on its row, wherever the list is scrolled to", async () => {
    render(list(MANY));
    const link = await drawn(3);
    link.focus();
    for (const index of [20, 5_000, 99_000, 0]) {
      scrollTo(index);
      await drawn(index + 1);
      expect(document.activeElement).toBe(link);
    }
    scrollTo(5_000);
    await drawn(5_000);
    link.blur();
    scrollTo(5_001);
    await drawn(5_020);
    expect(indexes()).not.toContain(3);
  });

  it("stays on its row while others come and go before it", async () => {
    const { rerender } = render(list(MANY));
    const link = await drawn(3);
    link.focus();
    scrollTo(5_000);
    await drawn(5_000);
    rerender(list([...itemsFrom(200_000, 7), ...MANY]));
    expect(document.activeElement).toBe(link);
    expect(indexes()[0]).toBe(10);
    rerender(list(MANY.slice(2)));
    expect(document.activeElement).toBe(link);
    expect(indexes()[0]).toBe(1);
  });
});

describe("rows that come before those in sight", () => {
  it("do not move them", async () => {
    const { rerender } = render(list(MANY));
    scrollTo(5_000);
    await drawn(5_000);
    rerender(list([...itemsFrom(200_000, 2), ...MANY]));
    expect(box().scrollTop).toBe(5_002 * ROW_HEIGHT);
    rerender(list([...itemsFrom(200_000, 2), ...MANY, ...itemsFrom(100_000, 200)]));
    expect(box().scrollTop).toBe(5_002 * ROW_HEIGHT);
  });

  it("are shown where the newest are in sight", async () => {
    const { rerender } = render(list(MANY));
    rerender(list([...itemsFrom(200_000, 2), ...MANY]));
    await drawn(200_000);
    expect(box().scrollTop).toBe(0);
  });
});

/** A chart of one or two lines over time. */

import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export type Line = (number | null)[];

interface Props {
  title: string;
  /** What it shows in words, for readers who do not see it. */
  said: string;
  /** Seconds since 1970. */
  times: number[];
  /** The second one is dashed. */
  lines: Line[];
}

const HEIGHT = 140;
const DAYS = 2 * 24 * 60 * 60;
const COLORS = ["--accent", "--wait"];

export function Chart({ title, said, times, lines }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const data: UPlot.AlignedData = [times, ...lines];
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new UPlot(options(element, lines.length), latest.current, element);
    };
    draw();
    const observer = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    // The colours are the page's, which has others in the dark.
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      dark.removeEventListener("change", draw);
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [lines.length]);
  useEffect(() => {
    plot.current?.setData([times, ...lines]);
  }, [times, ...lines]);

  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong> <span class="dim">{said}</span>
      </figcaption>
      <div ref={box} aria-hidden="true" />
    </figure>
  );
}

/** What a chart of the last hour shows, in words. */
export function summary(values: Line, unit: string): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "nothing in the last hour";
  const shown = (value: number) => `${Number(value.toFixed(2)).toString()}${unit}`;
  const last = values.at(-1);
  const now = last === null || last === undefined ? "–" : shown(last);
  return `this minute ${now}, at most ${shown(Math.max(...known))}`;
}

function options(element: HTMLElement, count: number): UPlot.Options {
  const style = getComputedStyle(element);
  const axis = {
    stroke: style.getPropertyValue("--dim"),
    grid: { stroke: style.getPropertyValue("--line"), width: 1 },
    font: "11px system-ui",
  };
  const line = (name: string, index: number): UPlot.Series => {
    const stroke = style.getPropertyValue(name);
    const points = { size: 4 };
    return index === 0
      ? { stroke, width: 2, points, ...(count === 1 && { fill: `${stroke}22` }) }
      : { stroke, width: 2, points, dash: [6, 4] };
  };
  const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
  const named: UPlot.Axis.DynamicValues = ({ data: [times] }, splits) => {
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
    return splits.map((time) => (span < DAYS ? hour : day).format(time * 1000));
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    // Days are those of UTC, and time zones differ from it by quarters of an hour.
    tzDate: (time) => UPlot.tzDate(new Date(time * 1000), "UTC"),
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [{ ...axis, size: 30, values: named }, { ...axis, size: 50, space: 20 }],
    series: [{}, ...COLORS.slice(0, count).map(line)],
  };
}

/** A chart of the last hour, a value a minute. */

import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface Props {
  title: string;
  unit: string;
  /** Seconds since 1970 of each minute's beginning. */
  minutes: number[];
  values: (number | null)[];
}

const HEIGHT = 120;

export function Chart({ title, unit, minutes, values }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new UPlot(options(element), [minutes, values], element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([minutes, values]);
  }, [minutes, values]);

  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong> <span class="dim">{summary(values, unit)}</span>
      </figcaption>
      <div ref={box} aria-hidden="true" />
    </figure>
  );
}

/** What the chart shows, in words. */
export function summary(values: (number | null)[], unit: string): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "nothing in the last hour";
  const shown = (value: number) => `${Number(value.toFixed(2)).toString()}${unit}`;
  const last = values.at(-1);
  const now = last === null || last === undefined ? "–" : shown(last);
  return `this minute ${now}, at most ${shown(Math.max(...known))}`;
}

function options(element: HTMLElement): UPlot.Options {
  const style = getComputedStyle(element);
  const color = style.getPropertyValue("--accent");
  const axis = {
    stroke: style.getPropertyValue("--dim"),
    grid: { stroke: style.getPropertyValue("--line"), width: 1 },
    font: "11px system-ui",
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [axis, { ...axis, size: 34 }],
    series: [{}, { stroke: color, fill: `${color}22`, width: 2, points: { size: 4 } }],
  };
}

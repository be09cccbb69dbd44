import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatClock, formatCount, formatDuration, formatRate } from '../logic/format.js';
import { type Chart, lonelyIn } from '../logic/series.js';

const HEIGHT = 200;

export interface DrawnChart {
  update(chart: Chart, times: readonly number[]): void;
  remove(): void;
}

export function formatValue(value: number | null, unit: Chart['unit']): string {
  if (value === null) return '–';
  if (unit === 'duration') return formatDuration(value);
  return unit === 'rate' ? formatRate(value) : formatCount(value);
}

/** Draws a chart, as wide as its place is. */
export function drawChart(place: HTMLElement, chart: Chart, times: readonly number[]): DrawnChart {
  const colorOf = colorsIn(place);
  const { unit } = chart;
  const axis = {
    stroke: colorOf('--muted'),
    grid: { stroke: colorOf('--line'), width: 1 },
    ticks: { stroke: colorOf('--line'), width: 1 },
    font: '11px system-ui, sans-serif',
  };
  const plot = new uPlot(
    {
      width: Math.max(200, place.clientWidth),
      height: HEIGHT,
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [
        {
          ...axis,
          space: 80,
          values: (_plot, values) => values.map((at) => formatClock(at * 1_000)),
        },
        {
          ...axis,
          size: 64,
          values: (_plot, values) => values.map((value) => formatValue(value, unit)),
        },
      ],
      series: [
        { label: 'Time', value: (_plot, at) => formatTime(at) },
        ...chart.lines.map(({ label, color }) => ({
          label,
          stroke: colorOf(color),
          width: 1.75,
          spanGaps: false,
          points: {
            show: times.length < 8,
            // Alone between gaps, a value has no line.
            filter: (plot: uPlot, series: number, isShown: boolean) =>
              isShown ? null : lonelyIn(plot.data[series] ?? []),
          },
          value: (_plot: uPlot, value: number | null) => formatValue(value, unit),
        })),
      ],
    },
    dataOf(chart, times),
    place,
  );
  const observer = new ResizeObserver(() => {
    if (place.clientWidth > 0) plot.setSize({ width: place.clientWidth, height: HEIGHT });
  });
  observer.observe(place);
  return {
    update: (next, nextTimes) => plot.setData(dataOf(next, nextTimes)),
    remove: () => {
      observer.disconnect();
      plot.destroy();
    },
  };
}

function formatTime(at: number | null): string {
  return at === null ? '–' : formatClock(at * 1_000);
}

function dataOf({ lines }: Chart, times: readonly number[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

/** Reads colours of the styles as they are in this scheme, which a canvas cannot. */
function colorsIn(place: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    place.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

import assert from 'node:assert/strict';
import { decoratedProvider, median, round, verdict } from './support.mjs';

const LIVE = 100_000;
const SCRAPES = 50;

/** Milliseconds for which a scrape may block the event loop. */
const LIMIT = 20;
const AIM = 5;

async function prometheusScrape(options) {
  const { prometheus } = await import('nestjs-cancelable/prometheus');
  const { register } = await import('prom-client');
  return { extension: prometheus(options), scrape: () => register.metrics() };
}

const ignoringScrape = () => prometheusScrape({ ignore: ({ name }) => name === 'report 0' });

async function openTelemetryScrape() {
  const { opentelemetry } = await import('nestjs-cancelable/opentelemetry');
  const { metrics } = await import('@opentelemetry/api');
  const { MeterProvider, MetricReader } = await import('@opentelemetry/sdk-metrics');
  class Reader extends MetricReader {
    async onForceFlush() {}
    async onShutdown() {}
  }
  const reader = new Reader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const scrape = async () => {
    const { resourceMetrics } = await reader.collect();
    return JSON.stringify(resourceMetrics.scopeMetrics);
  };
  return { extension: opentelemetry({ spans: false }), scrape };
}

const variants = {
  'prometheus(), 20 names': [prometheusScrape, 20],
  'prometheus() with ignore, 20 names': [ignoringScrape, 20],
  'prometheus(), 1,000 names': [prometheusScrape, 1_000],
  'opentelemetry(), 20 names': [openTelemetryScrape, 20],
};

/** Scraped once before there is anything, as it is in production, and then with all that is live. */
export const scrape = {
  name: 'scrape',
  title: 'One scrape of the metrics, with 100,000 live operations',
  variants: Object.keys(variants),
  async measure(variant) {
    const [begin, names] = variants[variant];
    const { extension, scrape } = await begin();
    const { registry } = await decoratedProvider({}, () => {}, { extensions: [extension] });
    await scrape();
    for (let index = 0; index < LIVE; index++) registry.start(`report ${index % names}`);
    const times = [];
    for (let count = 0; count < SCRAPES; count++) {
      const start = performance.now();
      const text = await scrape();
      times.push(performance.now() - start);
      assert(text.includes('report 1'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { first: times[0], milliseconds: median(times) };
  },
  report(medians) {
    return Object.entries(medians).map(([variant, { first, milliseconds }]) => ({
      'told by': variant,
      'first, ms': round(first),
      ms: round(milliseconds),
      limit: LIMIT,
      met: verdict(milliseconds, LIMIT, AIM),
    }));
  },
};

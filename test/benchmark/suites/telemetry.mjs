import { decoratedProvider, median, round, verdict } from './support.mjs';

const BLOCK = 2_000;
const work = async () => 1;

async function decorated(moduleOptions) {
  const options = { timeout: 30_000, settle: 'wait' };
  const { service } = await decoratedProvider(options, work, moduleOptions);
  return service;
}

async function withOpenTelemetry(options) {
  const { opentelemetry } = await import('nestjs-cancelable/opentelemetry');
  return decorated({ extensions: [opentelemetry(options)] });
}

/** Who is told of the same decorated call. */
const variants = {
  nobody: () => decorated(),
  'opentelemetry(), no SDK': () => withOpenTelemetry(),
  'opentelemetry(), metrics': async () => {
    const { metrics } = await import('@opentelemetry/api');
    const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
    metrics.setGlobalMeterProvider(new MeterProvider());
    return withOpenTelemetry({ spans: false });
  },
  'opentelemetry(), spans that are not sampled': async () => {
    const { AlwaysOffSampler, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
    new NodeTracerProvider({ sampler: new AlwaysOffSampler() }).register();
    return withOpenTelemetry({ metrics: false });
  },
};

const LIMITS = { 'opentelemetry(), no SDK': [1.02, 1.01] };

/** Blocks of calls take turns with those of another application that tells nobody. */
export const telemetry = {
  name: 'telemetry',
  title: 'One decorated call against one that nobody is told of',
  variants: Object.keys(variants),
  async measure(variant) {
    const plain = await decorated();
    const told = await variants[variant]();
    const ratios = [];
    for (let pair = -50; pair < 400; pair++) {
      const first = pair % 2 === 0 ? plain : told;
      const times = new Map();
      for (const service of [first, first === plain ? told : plain]) {
        times.set(service, await nanosecondsOfBlock(service));
      }
      if (pair >= 0) ratios.push(times.get(told) / times.get(plain));
    }
    return { ratio: median(ratios) };
  },
  report(medians) {
    return Object.entries(medians).map(([variant, { ratio }]) => {
      const limits = LIMITS[variant];
      return {
        'told of it': variant,
        ratio: round(ratio),
        limit: limits?.[0] ?? '',
        met: limits === undefined ? '' : verdict(ratio, ...limits),
      };
    });
  },
};

async function nanosecondsOfBlock(service) {
  const start = process.hrtime.bigint();
  for (let call = 0; call < BLOCK; call++) await service.method();
  return Number(process.hrtime.bigint() - start) / BLOCK;
}

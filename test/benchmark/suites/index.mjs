import { calls } from './calls.mjs';
import { live } from './live.mjs';
import { streams } from './streams.mjs';
import { http } from './http.mjs';
import { aborted } from './aborted.mjs';
import { reach } from './reach.mjs';
import { cluster } from './cluster.mjs';
import { telemetry } from './telemetry.mjs';
import { scrape } from './scrape.mjs';

/**
 * A suite: `variants` to measure, `measure(variant)` run in a process of its own, and `report`,
 * which turns the medians into rows.
 */
export const suites = [calls, live, streams, http, aborted, reach, cluster, telemetry, scrape];

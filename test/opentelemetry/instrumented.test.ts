import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SpanStatusCode } from '@opentelemetry/api';
import { describe, expect, it } from '@jest/globals';
import { closeAfterTest } from '../support/close-after-test.js';
import { adapters } from '../support/http-app.js';
import { compiled } from '../support/plain-node.js';

interface SpanLine {
  readonly name: string;
  readonly scope: string;
  readonly id: string;
  readonly parent?: string;
  readonly status: number;
}

interface Output {
  readonly answers: [number, string][];
  readonly spans: SpanLine[];
}

async function startElsewhere(): Promise<string> {
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAfterTest(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function run(adapter: string, elsewhere: string): Promise<Output> {
  const file = compiled(new URL('./instrumented.fixture.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, adapter, elsewhere]);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Output;
}

describe.each(adapters)(
  'opentelemetry() beside the instrumentations of HTTP and Nest, on %s',
  (adapter) => {
    it('has its spans between that of the server and those of what bodies call', async () => {
      const { answers, spans } = await run(adapter, await startElsewhere());
      expect(answers.map(([status]) => status)).toEqual([200, 200, 504]);

      const above = (id: string | undefined) => spans.find((span) => span.id === id);
      const pathOf = (span: SpanLine | undefined): string[] =>
        span === undefined
          ? []
          : [`${span.scope.split('/').at(-1)}: ${span.name}`, ...pathOf(above(span.parent))];
      const outgoing = spans.filter(
        ({ parent, name }) => name === 'GET' && above(parent)?.name === 'Reports.render',
      );
      expect(outgoing.map(pathOf)).toEqual(
        ['decorated', 'plain'].map((handler) => [
          'instrumentation-http: GET',
          'nestjs-cancelable: Reports.render',
          `instrumentation-nestjs-core: ${handler}`,
          `nestjs-cancelable: GET /reports/${handler}`,
          `instrumentation-nestjs-core: ReportsController.${handler}`,
          'instrumentation-http: GET',
        ]),
      );
      const slow = spans.find(({ name }) => name === 'GET /reports/slow');
      expect(slow?.status).toBe(SpanStatusCode.ERROR);
    });
  },
);

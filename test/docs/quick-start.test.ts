import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PastedPage } from '../support/pasted-page.js';

describe('the quick start of the README', () => {
  let child: ReturnType<typeof spawn>;
  let url: string;

  /** As it stands there, and a line that tells the port. */
  beforeAll(async () => {
    const listen = 'await app.listen(process.env.PORT ?? 3000);';
    const page = await PastedPage.of('README.md', (code) => {
      expect(code).toContain(listen);
      return code.replace(listen, `${listen}\nprocess.send?.(await app.getUrl());`);
    });
    const file = page.path('main.ts');
    child = spawn(process.execPath, ['--import', './test/support/typescript.mjs', file], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, PORT: '0' },
    });
    const [address] = (await once(child, 'message')) as [string];
    url = `http://localhost:${new URL(address).port}`;
  });

  afterAll(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('answers 504 when the provider has used up its own time', async () => {
    const response = await fetch(`${url}/reports/Paris`);
    expect(response.status).toBe(504);
    expect(await response.json()).toEqual({
      statusCode: 504,
      message: 'The operation timed out',
      code: 'OPERATION_TIMEOUT',
    });
  });

  it('runs an import in the background, shows its progress, and stops it', async () => {
    const started = await fetch(`${url}/reports/imports`, { method: 'POST' });
    const { id } = (await started.json()) as { id: string };
    const progress = await fetch(`${url}/reports/imports/${id}`);
    let text = '';
    for await (const chunk of progress.body as AsyncIterable<Uint8Array>) {
      const isFirst = !text.includes('event: progress');
      text += new TextDecoder().decode(chunk);
      if (!isFirst || !text.includes('event: progress')) continue;
      const stopped = await fetch(`${url}/reports/imports/${id}`, { method: 'DELETE' });
      expect(await stopped.json()).toEqual({ canceled: true });
    }
    expect(text).toContain('event: settled');
    expect(text).toContain('"status":"canceled"');
  });
});

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type RunningSample, startSample } from '../support/sample.js';
import { describeWith } from '../support/servers.js';

interface Answer {
  readonly servedBy: string;
  readonly complete: boolean;
  readonly expected: string[];
  readonly replied: string[];
}

interface Job {
  readonly id: string;
  readonly instance: string;
  readonly status: string;
  readonly message?: string;
}

const NAMES = ['one', 'three', 'two'];

describeWith(['redis'], 'three instances behind one port', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await startSample('10-cluster');
  });
  afterAll(() => sample.stop('SIGTERM'));

  const ask = <Body>(path: string, through: string, method = 'GET') =>
    sample.json<Answer & Body>(path, { method, headers: { 'x-instance': through } });

  const list = (through: string) => ask<{ jobs: Job[] }>('/jobs', through);

  async function start(through: string): Promise<string> {
    const { id, servedBy } = await ask<{ id: string }>('/jobs?seconds=500', through, 'POST');
    expect(servedBy).toBe(through);
    return id;
  }

  /** Asks until an answer is complete and names as many instances. */
  async function untilComplete(count: number, through: string): Promise<Answer & { jobs: Job[] }> {
    for (;;) {
      const answer = await list(through);
      if (answer.complete && answer.replied.length === count) return answer;
    }
  }

  it('gives each request to the next', async () => {
    const served = new Set<string>();
    for (let index = 0; index < 3; index++) {
      served.add((await sample.json<Answer>('/jobs')).servedBy);
    }
    expect([...served].sort()).toEqual(NAMES);
  });

  it('lists, follows and cancels a job from instances that do not have it', async () => {
    await untilComplete(3, 'two');
    const id = await start('one');
    const found = await list('two');
    expect([...found.replied].sort()).toEqual(NAMES);
    expect(found).toMatchObject({ servedBy: 'two', jobs: [{ id, instance: 'one' }] });

    const followed = await fetch(`${sample.url}/jobs/${id}/progress`, {
      headers: { 'x-instance': 'three' },
    });
    expect(followed.headers.get('x-served-by')).toBe('three');
    let text = '';
    let isCanceled = false;
    for await (const chunk of followed.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (isCanceled || !text.includes('event: progress')) continue;
      isCanceled = true;
      expect(await ask(`/jobs/${id}`, 'two', 'DELETE')).toMatchObject({
        servedBy: 'two',
        complete: true,
        canceled: true,
        owner: 'one',
      });
    }
    expect(text).toMatch(/event: settled\n(?:.*\n)*?data: .*"status":"canceled"/);
    expect(await ask(`/jobs/${id}`, 'three')).toMatchObject({
      job: { instance: 'one', status: 'canceled', message: 'canceled through instance two' },
    });
    expect(await ask(`/jobs/${id}`, 'three', 'DELETE')).toMatchObject({ canceled: false });
  });

  it('does not reach what is no job, and knows no job that is not there', async () => {
    const missing = await fetch(`${sample.url}/jobs/nobody`);
    expect(missing.status).toBe(404);
    expect(await ask('/jobs/nobody', 'one', 'DELETE')).toMatchObject({ canceled: false });
  });

  it('looks again after one was killed, and when it is there again', async () => {
    const id = await start('three');
    await untilComplete(3, 'one');
    await sample.json('/instances/three/kill', { method: 'POST' });
    const { processes } = await sample.json<{ processes: object[] }>('/processes');
    expect(processes).toContainEqual({ name: 'three' });
    expect((await fetch(`${sample.url}/jobs`, { headers: { 'x-instance': 'three' } })).status).toBe(
      503,
    );

    // Either it counts among those that should have answered, or it is gone; its job is not listed.
    for (;;) {
      const answer = await list('one');
      expect(answer.jobs).toEqual([]);
      if (answer.complete) break;
      expect(answer.expected.filter((name) => !answer.replied.includes(name))).toEqual(['three']);
    }
    expect((await list('two')).replied).not.toContain('three');
    const { instances } = await ask<{ instances: { id: string }[] }>('/instances', 'one');
    expect(instances.map((instance) => instance.id).sort()).toEqual(['one', 'two']);
    expect((await fetch(`${sample.url}/jobs/${id}`)).status).toBe(404);

    await sample.json('/instances/three/start', { method: 'POST' });
    expect((await untilComplete(3, 'one')).jobs).toEqual([]);
  });

  it('serves its page, which asks nobody else for anything', async () => {
    const page = await (await fetch(sample.url)).text();
    expect(page).toContain('Three instances behind one port');
    expect(page).not.toMatch(/(?:src|href)="?(?:https?:)?\/\//);
  });

  it('leaves no process behind', async () => {
    const other = await startSample('10-cluster');
    const pids = execFileSync('pgrep', ['-P', String(other.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
    // Three instances and Redis.
    expect(pids).toHaveLength(4);
    await other.stop('SIGTERM');
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

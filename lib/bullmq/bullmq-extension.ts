import type { Worker } from 'bullmq';
import type { CancelableExtension } from '../registry/cancelable-extension.js';
import { loadPeer } from '../scope/load-peer.js';
import { checkOptions } from '../scope/validate.js';
import { CancelableRuntime } from '../methods/cancelable-runtime.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { Jobs } from './jobs.js';
import { UnfinishedJobs } from './unfinished-jobs.js';
import { letProcessorsTakeSignals } from './worker-signals.js';

/**
 * Makes operations and jobs the same thing: `worker.cancelJob()` and the registry cancel alike, a
 * canceled job is not tried again, one that a shutdown stops goes back to its queue, a lost lock
 * cancels, progress is passed on. `registry.cluster.cancel('reports:42')` reaches a job wherever it
 * runs, and removes one that waits. For processors of `@nestjs/bullmq` whose `process(job)` is
 * decorated. It takes no options.
 *
 * @throws TypeError for options
 * @example
 * CancelableModule.forRoot({ extensions: [bullmq()] })
 *
 * \@Processor('reports')
 * class ReportsProcessor extends WorkerHost {
 *   \@Cancelable('10m')
 *   async process(job: Job) {
 *     for await (const row of currentOperation().stream(rows(job.data), { reportEvery: 100 })) …
 *   }
 * }
 * @publicApi
 */
export function bullmq(...given: []): CancelableExtension {
  for (const options of given as unknown[]) checkOptions(options, 'bullmq()', {});
  return {
    name: 'bullmq',
    async install({ registry, log, onShutdown, onClusterCancel }) {
      const library = await loadPeer('bullmq', 'nestjs-cancelable/bullmq', () => import('bullmq'));
      const live = OperationRegistry.liveOf(registry);
      const runtime = CancelableRuntime.over(live);
      if (runtime === undefined) throw new TypeError('bullmq(): the registry has no application');
      const jobs = new Jobs(live, log, library);
      runtime.jobs = jobs;
      const unfinished = new UnfinishedJobs(library.Job);
      const restore = letProcessorsTakeSignals(library.Worker.prototype as Worker, (worker) =>
        unfinished.follow(worker),
      );
      onClusterCancel((id) => unfinished.find(id));
      onShutdown(() => jobs.pauseWorkers());
      return () => {
        runtime.jobs = undefined;
        restore();
        jobs.forgetWorkers();
        unfinished.forget();
      };
    },
  };
}

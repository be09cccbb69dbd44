import 'reflect-metadata';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startInstance } from './suites/cluster-service.mjs';

/** Instances of the benchmark's service in a process of their own, with operations that wait. */
const { port, service, instances, operations } = JSON.parse(process.argv[2]);
const registries = [];
for (let index = 0; index < instances; index++) {
  registries.push(await startInstance(port, service, `${process.pid}-${index}`));
}
const begin = (registry) => {
  const operation = registry.spawn(
    'bench',
    (own) => new Promise((resolve) => own.onCancel(resolve)),
  );
  operation.result.catch(() => {});
  return operation.id;
};
const ids = registries.flatMap((registry) =>
  Array.from({ length: operations / instances }, () => begin(registry)),
);
process.on('disconnect', () => process.exit());
// How long the event loop was kept, since the last question.
const delay = monitorEventLoopDelay({ resolution: 1 });
process.on('message', () => {
  process.send(delay.max / 1e6);
  delay.reset();
  delay.enable();
});
process.send(ids);

import type { Operation, OperationRegistry } from 'nestjs-cancelable';

/** An operation whose caller waits for its body; its failure is the test's to look at. */
export function openOperation<Result>(
  registry: OperationRegistry,
  body: (operation: Operation) => Promise<Result>,
) {
  let operation!: Operation;
  const work = registry.run({ name: 'report', settle: 'wait' }, (own) => {
    operation = own;
    return body(own);
  });
  work.catch(() => {});
  return { work, operation };
}

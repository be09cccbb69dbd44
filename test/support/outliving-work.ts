import { Observable } from 'rxjs';
import { deferred } from './deferred.js';

/** Results that go on after their handler has returned, until a test lets them end. */
export function createOutlivingWork<Item>(item: Item) {
  const begun = deferred();
  const gate = deferred();
  const work = { items: 0, isDone: false };
  const observable = () =>
    new Observable<Item>((subscriber) => {
      let isTornDown = false;
      subscriber.next(item);
      begun.resolve();
      void gate.promise.then(() => {
        if (isTornDown) return;
        for (let count = 0; count < 3; count++) subscriber.next(item);
        work.isDone = true;
        subscriber.complete();
      });
      return () => {
        isTornDown = true;
      };
    });
  const iterable = async function* () {
    yield item;
    begun.resolve();
    await gate.promise;
    for (let count = 0; count < 3; count++) yield item;
    work.isDone = true;
  };
  return { begun, gate, work, observable, iterable };
}

import { describe, expect, expectRejection, type Heard, type TrialCheck } from './bus-trial.js';

/** Texts that adapters have been seen to change. */
const TEXTS = [
  '',
  ' ',
  'line\r\nline\n',
  '\u0000 \u0001 \u001b[31m \u007f \u0085 \u2028 \ufffd',
  '\ufeffbehind a byte order mark',
  '{"a":"\\"\\\\"}',
  '\'"`$*>.:%',
  'Grüße, привет, שלום, 你好, e\u0301 and 👩‍👩‍👧',
  '$5\r\nHELLO\r\n',
];

/** Names that are different, however alike they are. */
const SUFFIXES = [':b', '.b', '-b', '_b', 'b', ':B', '::b', ':b:', ':b:c', '.b.c', '..b', ''];

/** A message of the largest size: 1 MB. */
const LARGEST = 'x'.repeat(1_000_000);

/** What a bus does with messages. */
export const busChecks: readonly TrialCheck[] = [
  {
    name: 'delivers to every listener of a channel, in every bus, the publisher too',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      const listeners = [
        await trial.listen(one, channel),
        await trial.listen(one, channel),
        await trial.listen(other, channel),
      ];
      await one.publish(channel, 'from one');
      await other.publish(channel, 'from the other');
      await trial.untilHeard(listeners, 'from one', 'from the other');
    },
  },
  {
    name: 'delivers to no other channel, however alike its name is',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const name = trial.name();
      const channels = SUFFIXES.map((suffix) => `${name}${suffix}`);
      const listeners: Heard[] = [];
      for (const channel of channels) listeners.push(await trial.listen(other, channel));
      for (const channel of channels) await one.publish(channel, channel);
      for (const [index, channel] of channels.entries()) {
        await trial.untilHeard([listeners[index]!], channel);
      }
      await trial.quiet();
      for (const [index, { messages }] of listeners.entries()) {
        const foreign = messages.filter((message) => message !== channels[index]);
        expect(foreign.length === 0, `${channels[index]} not to hear ${describe(foreign)}`);
      }
    },
  },
  {
    name: 'takes channels of 200 characters',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = `${trial.name()}:AZaz09-_.`.padEnd(200, 'x');
      const heard = await trial.listen(other, channel);
      await one.publish(channel, 'hello');
      await trial.untilHeard([heard], 'hello');
    },
  },
  {
    name: 'delivers every kind of text as it is',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      const heard = await trial.listen(other, channel);
      for (const text of TEXTS) await one.publish(channel, text);
      await trial.untilHeard([heard], ...TEXTS);
      const changed = heard.messages.filter((message) => !TEXTS.includes(message));
      expect(changed.length === 0, `nothing else to be heard than was sent: ${describe(changed)}`);
    },
  },
  {
    name: 'delivers a message of 1 MB',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      const heard = await trial.listen(other, channel);
      await one.publish(channel, LARGEST);
      await trial.untilHeard([heard], LARGEST);
    },
  },
  {
    name: 'delivers what many send at once',
    async check(trial) {
      const buses = [await trial.open(), await trial.open()];
      const channel = trial.name();
      const heard = await trial.listen(buses[0]!, channel);
      const sent = Array.from({ length: 1_000 }, (_, index) => String(index));
      await Promise.all(sent.map((text, index) => buses[index % 2]!.publish(channel, text)));
      await trial.untilHeard([heard], ...sent);
    },
  },
  {
    name: 'listens to hundreds of channels',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const name = trial.name();
      const channels = Array.from({ length: 300 }, (_, index) => `${name}:${index}`);
      const listeners = await Promise.all(channels.map((channel) => trial.listen(other, channel)));
      await Promise.all(channels.map((channel) => one.publish(channel, channel)));
      for (const [index, listener] of listeners.entries()) {
        await trial.untilHeard([listener], channels[index]!);
      }
    },
  },
  {
    name: 'stops for one listener, and for no other',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      const stopped = await trial.listen(one, channel);
      const rest = [await trial.listen(one, channel), await trial.listen(other, channel)];
      await stopped.stop();
      await stopped.stop();
      await other.publish(channel, 'hello');
      await trial.untilHeard(rest, 'hello');
      await trial.quiet();
      expect(stopped.messages.length === 0, 'a listener that was stopped to hear nothing');
    },
  },
  {
    name: 'counts a function that is given twice as two listeners',
    async check(trial) {
      const bus = await trial.open();
      const channel = trial.name();
      const messages: string[] = [];
      const listener = (message: string) => void messages.push(message);
      const stop = await bus.subscribe(channel, listener);
      await bus.subscribe(channel, listener);
      await stop();
      await bus.publish(channel, 'hello');
      await trial.until(() => messages.includes('hello'), 'the second to go on');
    },
  },
  {
    name: 'listens again to a channel that it has left',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      for (let round = 0; round < 20; round++) {
        const { stop } = await trial.listen(one, channel);
        // Half of them begin while the last one is still ending.
        const stopping = stop();
        if (round % 2 === 0) await stopping;
      }
      const heard = await trial.listen(one, channel);
      await other.publish(channel, 'hello');
      await trial.untilHeard([heard], 'hello');
    },
  },
  {
    name: 'tells whether a channel is heard, if it can tell',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      expect((await one.isHeard(channel)) !== true, 'a channel without listeners not to be heard');
      const heard = await trial.listen(other, channel);
      for (const bus of [one, other]) {
        expect((await bus.isHeard(channel)) !== false, 'a channel with a listener to be heard');
      }
      await trial.quiet();
      expect(heard.messages.length === 0, `nothing to be delivered: ${describe(heard.messages)}`);
      await heard.stop();
      await trial.until(
        async () => (await one.isHeard(channel)) !== true,
        'a channel not to be heard once its listener has stopped',
      );
    },
  },
  {
    name: 'tells that a channel is no longer heard once its only listener is closed',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      await trial.listen(other, channel);
      await other.close();
      await trial.until(
        async () => (await one.isHeard(channel)) !== true,
        'a channel not to be heard once its listener is closed',
      );
    },
  },
  {
    name: 'delivers nothing once it is closed, and leaves other buses alone',
    async check(trial) {
      const [one, other] = [await trial.open(), await trial.open()];
      const channel = trial.name();
      const closed = await trial.listen(one, channel);
      const open = await trial.listen(other, channel);
      const sent = other.publish(channel, 'on its way');
      const closing = one.close();
      const before = closed.messages.length;
      await closing;
      await sent;
      await other.publish(channel, 'too late');
      await trial.untilHeard([open], 'too late');
      await trial.quiet();
      expect(closed.messages.length === before, 'a closed bus to deliver nothing');
      await closed.stop();
    },
  },
  {
    name: 'may be closed twice, and refuses to publish afterwards',
    async check(trial) {
      const bus = await trial.open();
      await Promise.all([bus.close(), bus.close()]);
      await bus.close();
      await expectRejection(() => bus.publish(trial.name(), 'hello'), 'publish() after close()');
    },
  },
];

import type { ComponentChildren } from 'preact';
import type { DashboardOperation, Sort } from '../../api-types.js';
import { clock } from '../data/clock.js';
import { formatShortMoment } from '../logic/format.js';
import { startedBy } from '../logic/marks.js';
import { MarkOf, Status, Tags } from './status.js';
import { Text } from './text.js';
import { Age, Deadline, Progress } from './time.js';

/** A column of a table of operations; the name stands before all, and is none of them. */
export interface Column {
  /** Also a class of its cells. */
  readonly key: string;
  readonly label: string;
  readonly sort?: Sort;
  /** Where more of it means less of what is sorted by: the older, the earlier it began. */
  readonly isInverse?: boolean;
  cell(operation: DashboardOperation): ComponentChildren;
}

const kind: Column = { key: 'kind', label: 'Kind', cell: ({ kind }) => kind };

const status: Column = {
  key: 'status',
  label: 'Status',
  sort: 'status',
  cell: (operation) => (
    <>
      <Status operation={operation} />
      <MarkOf operation={operation} />
    </>
  ),
};

const owner: Column = {
  key: 'owner',
  label: 'Started by',
  cell: (operation) => {
    const who = startedBy(operation);
    return who === undefined ? null : <Text of={who} />;
  },
};

const tags: Column = { key: 'tags', label: 'Tags', cell: ({ tags }) => <Tags of={tags} /> };

const instance: Column = {
  key: 'instance',
  label: 'Instance',
  cell: ({ instance }) => (instance === undefined ? null : <Text of={instance} />),
};

const LIVE: readonly Column[] = [
  kind,
  status,
  {
    key: 'age',
    label: 'Age',
    sort: 'startedAt',
    isInverse: true,
    cell: (operation) => <Age operation={operation} />,
  },
  {
    key: 'deadline',
    label: 'Deadline',
    sort: 'deadline',
    cell: (operation) => <Deadline operation={operation} />,
  },
  {
    key: 'progress',
    label: 'Progress',
    sort: 'progress',
    cell: (operation) => <Progress operation={operation} />,
  },
  owner,
  tags,
];

const HISTORY: readonly Column[] = [
  kind,
  status,
  {
    key: 'ended',
    label: 'Ended',
    sort: 'endedAt',
    cell: ({ startedAt, endedAt = startedAt }) => (
      <span class="number">{formatShortMoment(endedAt, clock.get())}</span>
    ),
  },
  {
    key: 'age',
    label: 'Duration',
    sort: 'durationMs',
    cell: (operation) => <Age operation={operation} />,
  },
  {
    key: 'message',
    label: 'Message',
    cell: ({ message, error }) => {
      const text = error?.message ?? message;
      return text === undefined ? null : <Text of={text} />;
    },
  },
  owner,
  tags,
];

/** @param all whether operations of all instances are shown */
export function columnsOf(list: 'live' | 'history', all: boolean): readonly Column[] {
  const columns = list === 'live' ? LIVE : HISTORY;
  return all ? [...columns, instance] : columns;
}

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { OperationQuery } from '../../api-types.js';
import { KINDS, REASONS, STATUSES } from '../logic/choices.js';
import { formatDuration } from '../logic/format.js';
import { parseSpan, writeSpan } from '../logic/span.js';
import { Icon } from './icons.js';

const SPANS = [1_000, 10_000, 60_000, 300_000, 1_800_000, 3_600_000, 86_400_000].map(writeSpan);

interface FilterBarProps {
  readonly list: 'live' | 'history';
  readonly query: OperationQuery;
  readonly onChange: (query: OperationQuery) => void;
  /** Beside the filters. */
  readonly children?: ComponentChildren;
}

/** What is looked for: a field for text, and the rest beside it, or behind a button on a phone. */
export function FilterBar({ list, query, onChange, children }: FilterBarProps) {
  const [isOpen, setOpen] = useState(false);
  const { olderThan } = query;
  const set = <Key extends keyof OperationQuery>(key: Key, value: OperationQuery[Key]) =>
    onChange({ ...query, [key]: value });
  const choiceOf = (key: 'status' | 'kind' | 'reason') => ({
    value: query[key]?.join(',') ?? '',
    onChange: (value: string) => set(key, value === '' ? undefined : value.split(',')),
  });
  const active = Object.entries(query).filter(
    ([key, value]) => key !== 'text' && value !== undefined,
  ).length;
  return (
    <search class={`filters ${isOpen ? 'open' : ''}`} aria-label="Filter">
      <SearchField
        label="Search"
        value={query.text ?? ''}
        onChange={(value) => set('text', value || undefined)}
      />
      <button
        type="button"
        class="more"
        aria-expanded={isOpen}
        aria-controls="filter-fields"
        onClick={() => setOpen(!isOpen)}
      >
        Filters{active > 0 ? ` (${active})` : ''}
      </button>
      <div class="fields" id="filter-fields">
        <Choice label="Status" options={STATUSES[list]} {...choiceOf('status')} />
        <Choice label="Kind" options={KINDS} {...choiceOf('kind')} />
        <Choice label="Reason" options={REASONS} {...choiceOf('reason')} />
        <TextField
          label="Tag"
          value={query.tag ?? ''}
          onChange={(value) => set('tag', value || undefined)}
        />
        <Choice
          label={list === 'live' ? 'Older than' : 'Ended before'}
          options={SPANS}
          describe={(span) => formatDuration(parseSpan(span) ?? 0)}
          value={olderThan === undefined ? '' : writeSpan(olderThan)}
          onChange={(value) => set('olderThan', parseSpan(value))}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={query.zombie === true}
            onChange={({ currentTarget }) => set('zombie', currentTarget.checked || undefined)}
          />
          Zombies only
        </label>
        {(active > 0 || query.text !== undefined) && (
          <button type="button" class="quiet" onClick={() => onChange({})}>
            <Icon name="close" />
            Clear
          </button>
        )}
      </div>
      {children}
    </search>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

const INPUT = { maxLength: 256, autocomplete: 'off', spellcheck: false } as const;

function SearchField({ label, value, onChange }: FieldProps) {
  return (
    <label class="field search">
      <span class="unseen">{label}</span>
      <Icon name="search" />
      <input
        type="search"
        {...INPUT}
        value={value}
        placeholder="Name, id, message, tag…"
        data-search=""
        aria-keyshortcuts="/"
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  );
}

function TextField({ label, value, onChange }: FieldProps) {
  return (
    <label class="field">
      <span class="label">{label}</span>
      <input
        type="text"
        {...INPUT}
        value={value}
        placeholder="any"
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  );
}

interface ChoiceProps extends FieldProps {
  readonly options: readonly string[];
  readonly describe?: (option: string) => string;
}

function Choice({ label, value, options, onChange, describe = (option) => option }: ChoiceProps) {
  // An address may ask for what is not offered.
  const offered = value === '' || options.includes(value) ? options : [...options, value];
  return (
    <label class="field">
      <span class="label">{label}</span>
      <select
        class={value === '' ? undefined : 'set'}
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        <option value="">any</option>
        {offered.map((option) => (
          <option key={option} value={option} selected={option === value}>
            {describe(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

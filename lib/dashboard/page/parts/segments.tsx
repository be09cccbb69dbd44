interface SegmentsProps<Value extends string> {
  readonly label: string;
  readonly options: Readonly<Record<Value, string>>;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

/** One of a few, all of which are seen. */
export function Segments<Value extends string>(props: SegmentsProps<Value>) {
  const { label, options, value, onChange } = props;
  return (
    <div class="segments" role="group" aria-label={label}>
      {(Object.entries(options) as [Value, string][]).map(([option, text]) => (
        <button
          type="button"
          key={option}
          aria-pressed={option === value}
          onClick={() => onChange(option)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

interface ScopeProps {
  readonly all: boolean;
  readonly onChange: (all: boolean) => void;
}

/** Of this instance, or of all. */
export function InstanceSwitch({ all, onChange }: ScopeProps) {
  return (
    <Segments
      label="Instances"
      options={{ this: 'This instance', all: 'All instances' }}
      value={all ? 'all' : 'this'}
      onChange={(value) => onChange(value === 'all')}
    />
  );
}

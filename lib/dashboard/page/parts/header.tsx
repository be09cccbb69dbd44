import { hashOf, type ViewName } from '../logic/route.js';
import { route } from '../data/location.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { chooseTheme, type Theme, theme, THEMES } from '../data/theme.js';
import { Icon } from './icons.js';
import { Link } from './link.js';
import { Text } from './text.js';

const LABELS: Readonly<Partial<Record<ViewName, string>>> = {
  live: 'Live',
  history: 'History',
  charts: 'Charts',
  instances: 'Instances',
};

export function Header() {
  const info = useStore(session.info);
  const { view } = useStore(route);
  const isShown = (name: string) =>
    info?.statistics !== false || (name !== 'charts' && name !== 'instances');
  return (
    <header class="top">
      <div class="brand">
        <span class="logo" aria-hidden="true" />
        <span class="title">
          <Text of={info?.title ?? 'Operations'} longest={60} />
        </span>
        {info !== undefined && (
          <span class="instance-name" title="This instance">
            <Text of={info.instance} longest={40} />
          </span>
        )}
      </div>
      <nav aria-label="Views">
        {Object.entries(LABELS)
          .filter(([name]) => isShown(name))
          .map(([name, label]) => (
            <Link key={name} hash={hashOf(name as ViewName)} current={name === view}>
              {label}
            </Link>
          ))}
      </nav>
      <div class="side">
        <ConnectionState />
        <ThemeSwitch />
      </div>
    </header>
  );
}

const STATES = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting…' } as const;

function ConnectionState() {
  const state = useStore(session.connection);
  return (
    <span class={`connection ${state}`} role="status" aria-label="Connection">
      <span class="dot" aria-hidden="true" />
      {STATES[state]}
    </span>
  );
}

const THEME_LABELS: Readonly<Record<Theme, string>> = {
  auto: 'as the system',
  light: 'light',
  dark: 'dark',
};

function ThemeSwitch() {
  const current = useStore(theme);
  const next = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? 'auto';
  return (
    <button
      type="button"
      class="twist theme"
      aria-label={`Colours: ${THEME_LABELS[current]}`}
      title={`Colours: ${THEME_LABELS[current]}`}
      onClick={() => chooseTheme(next)}
    >
      <Icon name={current} />
    </button>
  );
}

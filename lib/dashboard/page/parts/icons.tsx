const PATHS = {
  running: 'M5.5 3.8v8.4l6.6-4.2z',
  canceling:
    'M4.5 2.5h7M4.5 13.5h7M5.5 2.5c0 3 5 3.5 5 5.5s-5 2.5-5 5.5M10.5 2.5c0 3-5 3.5-5 5.5s5 2.5 5 5.5',
  completed: 'm3.5 8.4 3 3 6-6.6',
  failed: 'M8 3.2v6M8 11.9v.6',
  canceled: 'M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6',
  zombie: 'M8 2.2 14.2 13H1.8zM8 6.2v3.2M8 11.2v.3',
  straggler: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 1 0 8 2.2M8 4.8V8l2.3 1.6',
  stop: 'M4.5 4.5h7v7h-7z',
  chevron: 'm6 3.5 4.5 4.5L6 12.5',
  up: 'M8 13V3.5M4 7.3l4-4 4 4',
  down: 'M8 3v9.5M4 8.700l4 4 4-4',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9M10.4 10.4l3.3 3.3',
  close: 'm4 4 8 8M12 4l-8 8',
  back: 'M13 8H3.5M7.3 4l-4 4 4 4',
  auto: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 1 0 0-11M8 2.5v11M8 5h4.5M8 8h5.5M8 11h4.5',
  light:
    'M8 5a3 3 0 1 0 0 6 3 3 0 1 0 0-6M8 1.2v1.3M8 13.5v1.3M1.2 8h1.3M13.5 8h1.3M3.2 3.2l.9.9M11.9 11.9l.9.9M3.2 12.8l.9-.9M11.9 4.100l.9-.9',
  dark: 'M13 9.8A5.6 5.6 0 0 1 6.2 3a5.6 5.6 0 1 0 6.8 6.8z',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration beside a text, which says the same. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

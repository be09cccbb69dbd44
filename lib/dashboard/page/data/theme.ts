import { Store } from './store.js';

export const THEMES = ['auto', 'light', 'dark'] as const;

export type Theme = (typeof THEMES)[number];

const KEY = 'nestjs-cancelable.theme';

function stored(): Theme {
  try {
    return THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

export const theme = new Store<Theme>(stored());

/** Grows when colours change, for what is drawn and not styled. */
export const paint = new Store(0);

function apply(): void {
  document.documentElement.dataset['theme'] = theme.get();
  paint.set(paint.get() + 1);
}

export function chooseTheme(chosen: Theme): void {
  theme.set(chosen);
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // It is forgotten with the page.
  }
  apply();
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
apply();

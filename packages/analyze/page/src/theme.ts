/** The colours of one look; the plots take them from here, the page from its style sheet's variables. */
export interface Theme {
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly surface: string;
  readonly series: readonly string[];
  readonly low: string;
  readonly high: string;
  readonly integer: string;
  readonly float: string;
}

// told apart in every common kind of colour blindness (Okabe and Ito, "Color Universal Design", 2008)
const SERIES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f'];

const LIGHT: Theme = {
  text: '#1c2330',
  faint: '#5b6472',
  line: '#d5dae1',
  surface: '#ffffff',
  series: SERIES,
  low: '#f3f6fb',
  high: '#0b4f8a',
  integer: '#0072b2',
  float: '#d55e00',
};

const DARK: Theme = {
  text: '#e7ebf2',
  faint: '#a3adbb',
  line: '#3a4452',
  surface: '#151a22',
  series: ['#4db2ee', '#ff9a4d', '#3fd1a2', '#e9a3c9', '#f2bf4a', '#9bd4f5', '#b9b9b9'],
  low: '#1d2632',
  high: '#7cc4ff',
  integer: '#4db2ee',
  float: '#ff9a4d',
};

/** True when the page is dark, by the reader's choice or else by the system's. */
export function isDark(): boolean {
  const chosen = document.documentElement.dataset['theme'];
  if (chosen !== undefined) return chosen === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}

/** The colours of the look that the page has now. */
export function currentTheme(): Theme {
  return isDark() ? DARK : LIGHT;
}

/** Switches to the other look, for this page only. */
export function toggleTheme(): void {
  document.documentElement.dataset['theme'] = isDark() ? 'light' : 'dark';
  document.dispatchEvent(new Event('themechange'));
}

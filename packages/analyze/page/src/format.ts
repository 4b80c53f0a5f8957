const UNITS = ['bytes', 'KB', 'MB', 'GB'];

/** `123.4 KB`, in steps of 1024. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `91.73` of 9173/10000. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((10000 * part) / whole) / 100;
}

/** `9173/10000`, or nothing where it was not counted. */
export function ratio(correct: number | undefined, total: number | undefined): string {
  return correct === undefined || total === undefined ? '' : `${correct}/${total}`;
}

/** A number with four digits that count. */
export function short(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** Decibels; a signal without noise has infinitely many. */
export function decibels(value: number | null | undefined): string {
  if (value === undefined) return '';
  return value === null ? 'exact' : `${value.toFixed(1)} dB`;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

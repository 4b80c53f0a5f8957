import type { Diagnostic } from '@bitwright/core';

/** Prints one JSON document on stdout. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Prints warnings on stderr, each with its code and place. */
export function printWarnings(diagnostics: readonly Diagnostic[]): void {
  for (const { severity, code, message, hint } of diagnostics) {
    if (severity !== 'info')
      process.stderr.write(`${severity} ${code}: ${message}${hint === undefined ? '' : ` ${hint}`}\n`);
  }
}

/** Rows as an aligned table; the first row is the head. Columns of numbers are aligned to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const isNumber = rows[0]!.map((_, column) =>
    rows.slice(1).every((row) => /^[\d.,%/ -]*$/.test(row[column] ?? '')),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

/** `9173/10000 (91.73 %)`. */
export function share(correct: number, total: number): string {
  return `${correct}/${total} (${((100 * correct) / total).toFixed(2)} %)`;
}

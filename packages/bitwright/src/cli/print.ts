import type { Diagnostic } from '@bitwright/core';

/** A diagnostic of a call, or one of a document. */
type Told = Pick<Diagnostic, 'severity' | 'code' | 'message'> & { readonly hint?: string | undefined };

/** Prints one JSON document on stdout. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Warnings of one code that are printed; beyond these they are counted. */
const SHOWN = 3;

/** Prints warnings on stderr, each with its code and place; many of one code as the first few and their number. */
export function printWarnings(diagnostics: readonly Told[]): void {
  const told = new Map<string, number>();
  for (const { severity, code, message, hint } of diagnostics) {
    if (severity === 'info') continue;
    const before = told.get(code) ?? 0;
    told.set(code, before + 1);
    if (before < SHOWN)
      process.stderr.write(`${severity} ${code}: ${message}${hint === undefined ? '' : ` ${hint}`}\n`);
  }
  for (const [code, count] of told)
    if (count > SHOWN) process.stderr.write(`and ${count - SHOWN} more ${code}; --json has them all\n`);
}

/** Prints one warning at once. */
export function printWarning(diagnostic: Told): void {
  printWarnings([diagnostic]);
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

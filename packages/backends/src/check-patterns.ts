import { didYouMean } from '@bitwright/core';
import { opArities } from '@bitwright/rewrite';
import type { BackendTable, BackendTableEntry } from './backend-config.js';
import { type BackendFinding, type CheckBackendOptions, error } from './check-backend.js';
import { expandPattern, patternName } from './expand-pattern.js';

/** Operators that the passes before the table take away or that no quantizer can stand beside. */
const NEVER_REACHED: Readonly<Record<string, string>> = {
  Constant: 'constants are folded before the table is laid over the graph',
  Dropout: 'it is taken out before the table is laid over the graph',
};

/** Unknown operators, anchors outside of their pattern, entries that are never reached, and overlaps. */
export function checkPatterns(table: BackendTable, options: CheckBackendOptions): BackendFinding[] {
  const seen = new Map<string, number>();
  return table.entries.flatMap((entry, index) => [
    ...checkOperators(entry, index, options),
    ...checkAnchor(entry, index),
    ...checkReached(entry, index, seen),
    ...checkEvidence(entry, index, table),
  ]);
}

function checkOperators(
  entry: BackendTableEntry,
  index: number,
  { operators = [] }: CheckBackendOptions,
): BackendFinding[] {
  const known = [...opArities().keys(), ...operators];
  const findings: BackendFinding[] = [];
  for (const [place, choice] of entry.pattern.entries()) {
    const names = typeof choice === 'string' ? [choice] : choice;
    for (const [at, name] of names.entries()) {
      const path = ['entries', index, 'pattern', place, ...(typeof choice === 'string' ? [] : [at])];
      const never = NEVER_REACHED[name];
      if (never !== undefined)
        findings.push(
          error('BACKEND_ENTRY_UNREACHABLE', path, `No ${name} is ever reached: ${never}.`, 'Take it out.'),
        );
      if (known.includes(name)) continue;
      if (name.includes('.')) {
        findings.push({
          code: 'BACKEND_OPERATOR_FOREIGN',
          severity: 'warning',
          message: `The operator '${name}' is not of the standard set, so its name can't be checked.`,
          hint: 'Look at the spelling of the domain and of the type.',
          path,
        });
        continue;
      }
      findings.push(
        error('BACKEND_OPERATOR_UNKNOWN', path, `There is no operator '${name}'.`, didYouMean(name, known)),
      );
    }
  }
  return findings;
}

function checkAnchor(entry: BackendTableEntry, index: number): BackendFinding[] {
  const { anchor } = entry;
  if (anchor === undefined) return [];
  const missing = expandPattern(entry.pattern).find((plain) => !plain.includes(anchor));
  if (missing === undefined) return [];
  return [
    error(
      'BACKEND_ANCHOR',
      ['entries', index, 'anchor'],
      `The anchor '${anchor}' is not in the pattern '${patternName(missing)}'.`,
      didYouMean(anchor, missing),
    ),
  ];
}

/** An entry whose every plain pattern an earlier entry has is never reached; one with some of them overlaps. */
function checkReached(entry: BackendTableEntry, index: number, seen: Map<string, number>): BackendFinding[] {
  const names = [...new Set(expandPattern(entry.pattern).map(patternName))];
  const taken = names.filter((name) => seen.has(name));
  for (const name of names) if (!seen.has(name)) seen.set(name, index);
  const first = taken[0];
  if (first === undefined) return [];
  const earlier = `entries[${seen.get(first)}]`;
  const path = ['entries', index, 'pattern'];
  if (taken.length === names.length)
    return [
      error(
        'BACKEND_ENTRY_UNREACHABLE',
        path,
        `This entry is never reached: ${earlier} takes every '${first}' before it.`,
        'Take one of the two out, or put their dtypes into one entry.',
      ),
    ];
  return [
    error(
      'BACKEND_ENTRY_OVERLAP',
      path,
      `This entry and ${earlier} both have the pattern '${first}'.`,
      'Let one entry have it.',
    ),
  ];
}

function checkEvidence(entry: BackendTableEntry, index: number, table: BackendTable): BackendFinding[] {
  if (entry.evidence !== 'cited' || entry.source !== undefined || table.source !== undefined) return [];
  return [
    error(
      'BACKEND_SOURCE_MISSING',
      ['entries', index, 'evidence'],
      'The entry is marked as cited, and no page is named.',
      "Give the page's address as 'source', of the entry or of the table.",
    ),
  ];
}

import {
  type BackendConfig,
  type BackendDifference,
  type DTypeConfig,
  type DTypeWithConstraints,
  describeDemands,
  describeOperand,
  patternName,
} from '@bitwright/backends';
import { table } from './print.js';

/** A backend's table as text, one line for each combination of each entry. */
export function describeBackend({ name, description, entries, ...own }: BackendConfig): string {
  const lines = [
    `${name}: ${description}`,
    ...(own.dialects === undefined ? [] : [`dialects: ${own.dialects.join(', ')}`]),
    ...(own.guards === 'none' ? ["without the guards against ONNX Runtime's traps"] : []),
    ...(own.firstLastBits === undefined ? [] : [`first and last layer at ${own.firstLastBits} bits`]),
    ...(own.source === undefined ? [] : [`source: ${own.source}`]),
    '',
  ];
  const rows = entries.flatMap((entry) => {
    const demands = describeDemands(entry);
    return entry.dtypes.map((dtype, index) => [
      index === 0 ? patternName(entry.pattern) : '',
      describeOperand(dtype.input),
      describeOperand(dtype.weight),
      (dtype.bias ?? []).join(' '),
      describeOperand(dtype.output),
      index === 0 ? demands : '',
      index === 0 ? (entry.evidence ?? '') : '',
    ]);
  });
  const head = ['pattern', 'input', 'weight', 'bias', 'output', 'demands', 'evidence'];
  return `${lines.join('\n')}\n${table([head, ...rows])}`;
}

/** What distinguishes two tables, as text. */
export function describeDifference(
  first: string,
  second: string,
  { onlyFirst, onlySecond, changed }: BackendDifference,
): string {
  if (onlyFirst.length + onlySecond.length + changed.length === 0)
    return `${first} and ${second} accept the same.\n`;
  const lines = [
    ...(onlyFirst.length === 0 ? [] : [`only ${first}: ${onlyFirst.join(', ')}`]),
    ...(onlySecond.length === 0 ? [] : [`only ${second}: ${onlySecond.join(', ')}`]),
  ];
  const rows = changed.map((change) => [
    change.pattern === '' ? 'the table' : change.pattern,
    change.key,
    spell(change.first),
    spell(change.second),
  ]);
  const differences = rows.length === 0 ? '' : table([['pattern', 'key', first, second], ...rows]);
  return `${lines.map((line) => `${line}\n`).join('')}${differences}`;
}

function spell(value: unknown): string {
  if (value === undefined) return '-';
  const isOperand = typeof value === 'object' && value !== null && 'bits' in value;
  if (isOperand) return describeOperand(value as DTypeWithConstraints);
  const isCombination = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isCombination
    ? Object.entries(value as DTypeConfig)
        .map(([key, operand]) => `${key} ${spell(operand)}`)
        .join('; ')
    : JSON.stringify(value);
}

import {
  type BackendConfig,
  type BackendDifference,
  type DTypeConfig,
  type DTypeWithConstraints,
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
    const { observation, quantizedInputs, sameScale } = entry;
    const inputs =
      quantizedInputs === undefined
        ? []
        : [
            quantizedInputs === 'residual'
              ? 'only the shortcut'
              : `only inputs ${quantizedInputs.join(', ')}`,
          ];
    const demands = [
      ...(observation === 'OUTPUT_SHARE_OBSERVER_WITH_INPUT' ? ["output on the input's grid"] : []),
      ...(observation === 'INPUT_OUTPUT_NOT_OBSERVED' ? ['weights alone'] : []),
      ...inputs,
      ...(sameScale === undefined ? [] : [`one grid for ${sameScale.replaceAll('-', ' ')}`]),
    ];
    return entry.dtypes.map((dtype, index) => [
      index === 0 ? patternName(entry.pattern) : '',
      describeOperand(dtype.input),
      describeOperand(dtype.weight),
      (dtype.bias ?? []).join(' '),
      describeOperand(dtype.output),
      index === 0 ? demands.join('; ') : '',
      index === 0 ? (entry.evidence ?? '') : '',
    ]);
  });
  const head = ['pattern', 'input', 'weight', 'bias', 'output', 'demands', 'evidence'];
  return `${lines.join('\n')}\n${table([head, ...rows])}`;
}

/** One operand's constraints in a few words: `2..8 symmetric signed`. */
export function describeOperand(operand: DTypeWithConstraints | undefined): string {
  if (operand === undefined) return 'float';
  const { bits, signed, fixedRange, carrier } = operand;
  const [least, most] = [operand.scaleMinLowerBound, operand.scaleMaxUpperBound];
  const [low, high] = [operand.quantMinLowerBound, operand.quantMaxUpperBound];
  return [
    describeBits(bits),
    ...(operand.symmetric === true ? ['symmetric'] : []),
    ...(signed === undefined ? [] : [signed ? 'signed' : 'unsigned']),
    ...(operand.perChannel === true ? ['per channel'] : []),
    ...(operand.channelAxis === undefined ? [] : [`on axis ${operand.channelAxis}`]),
    ...(operand.powerOfTwo === true ? ['power of two'] : []),
    ...(fixedRange === undefined ? [] : [`fixed ${fixedRange[0]}..${fixedRange[1]}`]),
    ...(low === undefined && high === undefined ? [] : [`codes ${low ?? ''}..${high ?? ''}`]),
    ...(least === undefined && most === undefined
      ? []
      : [`scale ${least?.toPrecision(3) ?? ''}..${most?.toPrecision(3) ?? ''}`]),
    ...(carrier === undefined ? [] : [`in ${carrier}`]),
  ].join(' ');
}

/** `2..8 16` for a list of widths. */
function describeBits(bits: readonly number[]): string {
  const runs: [from: number, to: number][] = [];
  for (const width of bits) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === width - 1) last[1] = width;
    else runs.push([width, width]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}..${to}`)).join(' ');
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

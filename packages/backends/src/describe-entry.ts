import type { BackendPatternConfig, DTypeWithConstraints } from './backend-config.js';

/** What an entry demands besides the grids of its operands, in a few words. */
export function describeDemands({ observation, quantizedInputs, sameScale }: BackendPatternConfig): string {
  const inputs = quantizedInputs === 'residual' ? 'only the shortcut' : quantizedInputs?.join(', ');
  return [
    ...(observation === 'OUTPUT_SHARE_OBSERVER_WITH_INPUT' ? ["output on the input's grid"] : []),
    ...(observation === 'INPUT_OUTPUT_NOT_OBSERVED' ? ['weights alone'] : []),
    ...(inputs === undefined ? [] : [quantizedInputs === 'residual' ? inputs : `only inputs ${inputs}`]),
    ...(sameScale === undefined ? [] : [`one grid for ${sameScale.replaceAll('-', ' ')}`]),
  ].join('; ');
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

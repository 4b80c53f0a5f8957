import { BitwrightError, didYouMean } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { type OpName, opArities } from './op-schemas.js';
import {
  AnyPattern,
  type CAPTURES,
  ConstantPattern,
  OpPattern,
  Pattern,
  type Reference,
  ValuePattern,
} from './pattern.js';
import { captureNames, childrenOf, type OpData, type PatternData } from './pattern-data.js';
import type {
  AlternativeCaptures,
  CapturesOf,
  CheckedChain,
  CheckedInputs,
  Flat,
  MergedCaptures,
  OptionalCaptures,
  ReferencesOf,
  VariadicCaptures,
} from './pattern-types.js';

/** Any value that is there. */
export const anyValue: AnyPattern<object> = new AnyPattern({ kind: 'any', valueGuards: [] });

/** A value that is fixed in the model: made by an initializer, of this graph or one around it. */
export const constant: ConstantPattern<object> = new ConstantPattern({
  kind: 'constant',
  nodeGuards: [],
  valueGuards: [],
});

/** An input that is left out. */
export const absent: Pattern<object, never> = new Pattern({ kind: 'absent' });

/**
 * A value that an operator makes, with patterns of its first inputs; inputs beyond them match whatever they are. For an
 * operator whose inputs commute both orders of the first two are tried. Outside the standard domain: `domain.OpType`.
 *
 * @throws PATTERN_INVALID for an unknown operator, too many inputs, or a name bound twice; the compiler says it first.
 */
export function op<N extends OpName, const P extends readonly Pattern[]>(
  opName: N,
  ...inputs: CheckedInputs<N, P>
): OpPattern<Flat<MergedCaptures<P>>, N, P['length'], ReferencesOf<P[number]>> {
  return new OpPattern(opData(opName, dataOf(inputs as readonly Pattern[])));
}

/** An input that may be left out; its captures are then undefined. */
export function optional<P extends Pattern>(
  pattern: P,
): Pattern<OptionalCaptures<CapturesOf<P>>, ReferencesOf<P>> {
  return new Pattern({ kind: 'optional', inner: pattern.data });
}

/** All inputs from here on, at least `atLeast` of them, each like the pattern; its captures are lists, one element an input. */
export function variadic<P extends Pattern>(
  pattern: P,
  { atLeast = 1 }: { readonly atLeast?: number } = {},
): Pattern<VariadicCaptures<CapturesOf<P>>, ReferencesOf<P>> {
  return new Pattern({ kind: 'variadic', inner: pattern.data, atLeast });
}

/** The first of several patterns that lets the rest of the match succeed. A name that only some bind may be undefined. */
export function anyOf<const P extends readonly Pattern[]>(
  ...options: P
): ValuePattern<AlternativeCaptures<P>, Value, ReferencesOf<P[number]>> {
  return new ValuePattern({ kind: 'anyOf', options: dataOf(options), valueGuards: [] });
}

/**
 * The same value as the one that an earlier part of the pattern captured under a name: x in `Mul(x, Sigmoid(x))`. A name that
 * the whole pattern does not capture is refused where a rule is made of it, by the compiler first.
 */
export function same<const K extends string>(
  name: K,
): Pattern<object, { readonly by: 'same'; readonly name: K }> {
  return new Pattern({ kind: 'same', of: name });
}

/**
 * Another result of the operator that an earlier part of the pattern captured under a name, so that an operator of several
 * results can stand inside: `op('Mul', op('Split', x).as('split'), op('Sigmoid', resultOf('split', 1)))`.
 */
export function resultOf<const K extends string>(
  name: K,
  index: number,
): Pattern<object, { readonly by: 'resultOf'; readonly name: K }> {
  return new Pattern({ kind: 'resultOf', of: name, index });
}

/**
 * A chain in forward order, each member the first input of the next: `sequence(op('Conv').as('conv'), op('Mul', constant.as('s')))`
 * is `op('Mul', op('Conv').as('conv'), constant.as('s'))`. The patterns given to a later member are its further inputs.
 *
 * @throws PATTERN_INVALID for too many inputs or a name bound twice; the compiler says it first.
 */
export function sequence<
  const P extends readonly [Pattern, ...OpPattern<object, OpName, number, Reference>[]],
>(...members: CheckedChain<P>): OpPattern<Flat<MergedCaptures<P>>, OpName, number, ReferencesOf<P[number]>> {
  const [first, ...rest] = dataOf(members as unknown as readonly Pattern[]);
  let chain = first as OpData;
  for (const next of rest as readonly OpData[])
    chain = { ...next, ...opData(next.opName, [chain, ...next.inputs], next) };
  return new OpPattern(chain);
}

function dataOf(patterns: readonly Pattern[]): readonly PatternData[] {
  return patterns.map(({ data }) => data);
}

function opData(opName: string, inputs: readonly PatternData[], like?: OpData): OpData {
  const data: OpData = like
    ? { ...like, inputs }
    : { kind: 'op', opName, inputs, nodeGuards: [], valueGuards: [], shared: false, crossing: false };
  const arity = opArities().get(opName);
  if (arity === undefined && !opName.includes('.'))
    throw invalid(`There is no operator '${opName}'.`, didYouMean(opName, opArities().keys()));
  if (arity !== undefined && inputs.length > arity.most)
    throw invalid(`${opName} takes at most ${arity.most} inputs and the pattern has ${inputs.length}.`);
  assertBoundOnce(data);
  return data;
}

/** Alternatives may bind the same name, the inputs of one operator may not. */
function assertBoundOnce(data: PatternData): void {
  if (data.kind === 'anyOf') return;
  const seen = new Set(data.capture === undefined ? [] : [data.capture]);
  for (const child of childrenOf(data)) {
    for (const name of captureNames(child)) {
      if (seen.has(name)) throw invalid(`The capture '${name}' is bound twice.`);
      seen.add(name);
    }
  }
}

function invalid(message: string, hint = 'Correct the pattern.'): BitwrightError {
  return new BitwrightError({ code: 'PATTERN_INVALID', message, hint });
}

/** Names of a pattern's captures that are operators: those that can be an anchor. */
export type AnchorOf<P extends { readonly [CAPTURES]: object }> = {
  [K in keyof CapturesOf<P>]: CapturesOf<P>[K] extends import('@bitwright/graph').OpNode ? K : never;
}[keyof CapturesOf<P>] &
  string;

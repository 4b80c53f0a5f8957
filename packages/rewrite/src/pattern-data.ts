import type { GetAttrNode, OpNode, Value } from '@bitwright/graph';

/** A condition on what a pattern has matched: what it needs, and what it found instead. */
export interface Guard<S> {
  /** What is needed, for traces: `rank 4`. */
  readonly needed: string;
  holds(subject: S): boolean;
  /** What was found instead, for traces; asked for only where it does not hold. */
  found(subject: S): string;
}

/** What all patterns carry: the name of the capture, if any. */
interface PatternBase {
  readonly capture?: string;
}

/** The producer of the value is an operator. */
export interface OpData extends PatternBase {
  readonly kind: 'op';
  /** `OpType`, or `domain.OpType` outside the standard domain. */
  readonly opName: string;
  /** Patterns of the first inputs; inputs beyond them match whatever they are. */
  readonly inputs: readonly PatternData[];
  readonly nodeGuards: readonly Guard<OpNode>[];
  readonly valueGuards: readonly Guard<Value>[];
  /** True: the results may be read from outside the match. */
  readonly shared: boolean;
  /** True: the operator may stand in a graph around the one of its reader. */
  readonly crossing: boolean;
  /** Which result is meant; undefined: the first for an inner node, all for the root. */
  readonly output?: number;
}

/** Any value that is there. */
export interface AnyData extends PatternBase {
  readonly kind: 'any';
  readonly valueGuards: readonly Guard<Value>[];
}

/** A value that is fixed in the model: an initializer. */
export interface ConstantData extends PatternBase {
  readonly kind: 'constant';
  readonly nodeGuards: readonly Guard<GetAttrNode>[];
  readonly valueGuards: readonly Guard<Value>[];
}

/** An input that may be left out. */
export interface OptionalData extends PatternBase {
  readonly kind: 'optional';
  readonly inner: PatternData;
}

/** All inputs from here on, each matching one pattern. */
export interface VariadicData extends PatternBase {
  readonly kind: 'variadic';
  readonly inner: PatternData;
  readonly atLeast: number;
}

/** The first of several patterns that lets the rest match too. */
export interface AnyOfData extends PatternBase {
  readonly kind: 'anyOf';
  readonly options: readonly PatternData[];
  readonly valueGuards: readonly Guard<Value>[];
}

/** An input that is left out. */
export interface AbsentData extends PatternBase {
  readonly kind: 'absent';
}

/** The same value as one that was captured before. */
export interface SameData extends PatternBase {
  readonly kind: 'same';
  readonly of: string;
}

/** Another result of an operator that was captured before. */
export interface ResultOfData extends PatternBase {
  readonly kind: 'resultOf';
  readonly of: string;
  readonly index: number;
}

/** A pattern as plain data: what the matcher, the index and the printer read. */
export type PatternData =
  | OpData
  | AnyData
  | ConstantData
  | OptionalData
  | VariadicData
  | AnyOfData
  | AbsentData
  | SameData
  | ResultOfData;

/** The patterns right inside a pattern. */
export function childrenOf(data: PatternData): readonly PatternData[] {
  switch (data.kind) {
    case 'op':
      return data.inputs;
    case 'optional':
    case 'variadic':
      return [data.inner];
    case 'anyOf':
      return data.options;
    default:
      return [];
  }
}

/** How many operators lie on the longest path of a pattern: how far a change can reach downstream. */
export function patternDepth(data: PatternData): number {
  const inner = Math.max(0, ...childrenOf(data).map(patternDepth));
  return data.kind === 'op' ? inner + 1 : inner;
}

/** The names that a pattern binds, in the order in which they are met; a name of several alternatives comes once. */
export function captureNames(data: PatternData, into: Set<string> = new Set()): Set<string> {
  if (data.capture !== undefined) into.add(data.capture);
  for (const child of childrenOf(data)) captureNames(child, into);
  return into;
}

/** A pattern as text: `BatchNormalization(Conv(_, constant) as conv, …)`. */
export function describePattern(data: PatternData): string {
  const name = data.capture === undefined ? '' : ` as ${data.capture}`;
  const list = (items: readonly PatternData[]) => items.map(describePattern).join(', ');
  switch (data.kind) {
    case 'op':
      return `${data.opName}${data.inputs.length > 0 ? `(${list(data.inputs)})` : ''}${name}`;
    case 'any':
      return `_${name}`;
    case 'optional':
      return `optional(${describePattern(data.inner)})`;
    case 'variadic':
      return `variadic(${describePattern(data.inner)})`;
    case 'anyOf':
      return `anyOf(${list(data.options)})${name}`;
    case 'same':
      return `same(${data.of})`;
    case 'resultOf':
      return `result ${data.index} of ${data.of}`;
    default:
      return `${data.kind}${name}`;
  }
}

/** True when a pattern has an operator of this name anywhere. */
export function mentionsOp(data: PatternData, opName: string): boolean {
  if (data.kind === 'op' && data.opName === opName) return true;
  return childrenOf(data).some((child) => mentionsOp(child, opName));
}

/** The operators at which a pattern can be rooted. */
export function rootOpNames(data: PatternData): readonly string[] {
  if (data.kind === 'op') return [data.opName];
  return data.kind === 'anyOf' ? data.options.flatMap(rootOpNames) : [];
}

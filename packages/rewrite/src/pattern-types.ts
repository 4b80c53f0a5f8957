import type { OpNode } from '@bitwright/graph';
import type { OpName, OpSchemas } from './op-schemas.js';
import type { CAPTURES, OpPattern, Pattern, REFERENCES, Reference } from './pattern.js';

/** Shows an intersection as one object type. */
export type Flat<T> = { readonly [K in keyof T]: T[K] };

/** What the captures of a pattern are. */
export type CapturesOf<P> = P extends { readonly [CAPTURES]: infer C extends object } ? C : never;

/** The names that a pattern, or one of several, asks for by `same` and `resultOf`. */
export type ReferencesOf<P> = P extends { readonly [REFERENCES]: infer R extends Reference } ? R : never;

/** Nothing when a whole pattern captures every name that it asks for, else the sentence that says which one it does not. */
export type CheckedReferences<P> = [UnboundIn<P>] extends [never]
  ? unknown
  : { readonly match: `the pattern asks for '${UnboundIn<P>}', which it does not capture` };

/** The names that a pattern asks for and does not capture; those of `resultOf` must mean operators. */
type UnboundIn<P> = Unbound<ReferencesOf<P>, CapturesOf<P>>;

type Unbound<R extends Reference, C> = R extends Reference
  ? string extends R['name']
    ? never
    : R['name'] extends keyof C
      ? R['by'] extends 'resultOf'
        ? OpNode extends C[R['name']]
          ? never
          : R['name']
        : never
      : R['name']
  : never;

/** The captures of several patterns together. */
export type MergedCaptures<P extends readonly unknown[]> = P extends readonly [infer H, ...infer T]
  ? CapturesOf<H> & MergedCaptures<T>
  : object;

/** The names that more than one of several patterns binds. */
type BoundTwice<P extends readonly unknown[], Seen = never> = P extends readonly [infer H, ...infer T]
  ? (keyof CapturesOf<H> & Seen) | BoundTwice<T, Seen | keyof CapturesOf<H>>
  : never;

/** Patterns of an operator's inputs, or the sentence that says what is wrong with them. */
export type CheckedInputs<N extends OpName, P extends readonly Pattern[]> = [BoundTwice<P>] extends [never]
  ? FitsArity<OpSchemas[N]['inputs'], P['length']> extends true
    ? P
    : { readonly [I in keyof P]: `too many inputs: ${N} takes ${OpSchemas[N]['inputs']}` }
  : { readonly [I in keyof P]: `capture '${BoundTwice<P> & string}' is already bound` };

/** The members of a chain, or the sentence that says what is wrong with them. */
export type CheckedChain<P extends readonly unknown[]> = [BoundTwice<P>] extends [never]
  ? [Overfull<P>] extends [never]
    ? P
    : { readonly [I in keyof P]: `too many inputs: ${Overfull<P>} has one more, from the member before it` }
  : { readonly [I in keyof P]: `capture '${BoundTwice<P> & string}' is already bound` };

/** The operators of a chain that have no room for the member before them. */
type Overfull<P extends readonly unknown[]> = P extends readonly [unknown, ...infer Rest]
  ? OverfullAmong<Rest>
  : never;

type OverfullAmong<P extends readonly unknown[]> = P extends readonly [infer H, ...infer Rest]
  ? OverfullOne<H> | OverfullAmong<Rest>
  : never;

type OverfullOne<P> =
  P extends OpPattern<object, infer N extends OpName, infer I extends number, Reference>
    ? FitsArity<OpSchemas[N]['inputs'], OneMore<I>> extends true
      ? never
      : N
    : never;

type OneMore<I extends number> = I extends keyof Successors ? Successors[I] : number;

interface Successors {
  0: 1;
  1: 2;
  2: 3;
  3: 4;
  4: 5;
  5: 6;
  6: 7;
  7: 8;
  8: 9;
  9: 10;
  10: 11;
  11: 12;
}

/** True when `Count` inputs fit under the `Most` that an operator takes; `number`, or more than 12, means any count. */
type FitsArity<Most extends number, Count extends number> = number extends Most
  ? true
  : number extends Count
    ? true
    : Most extends keyof UpTo
      ? Count extends UpTo[Most]
        ? true
        : false
      : true;

/** The counts up to a most. */
interface UpTo {
  0: 0;
  1: 0 | 1;
  2: 0 | 1 | 2;
  3: 0 | 1 | 2 | 3;
  4: 0 | 1 | 2 | 3 | 4;
  5: 0 | 1 | 2 | 3 | 4 | 5;
  6: 0 | 1 | 2 | 3 | 4 | 5 | 6;
  7: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
  8: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  9: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
  10: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
  11: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11;
  12: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;
}

/** Captures of alternatives: a name that only some of them bind may be undefined. */
export type AlternativeCaptures<P extends readonly unknown[]> = Flat<{
  readonly [K in KeysOfAny<P>]: ValueIn<P, K>;
}>;

type KeysOfAny<P extends readonly unknown[]> = P extends readonly [infer H, ...infer T]
  ? keyof CapturesOf<H> | KeysOfAny<T>
  : never;

type ValueIn<P extends readonly unknown[], K> = P extends readonly [infer H, ...infer T]
  ? (K extends keyof CapturesOf<H> ? CapturesOf<H>[K] : undefined) | ValueIn<T, K>
  : never;

/** Captures below `optional`: each may be undefined. */
export type OptionalCaptures<C> = { readonly [K in keyof C]: C[K] | undefined };

/** Captures below `variadic`: each is a list, one element for every input. */
export type VariadicCaptures<C> = { readonly [K in keyof C]: readonly C[K][] };

/** A new capture's name, or the sentence that says that it is taken. */
export type FreshCapture<C, K extends string> = K extends keyof C ? `capture '${K}' is already bound` : K;

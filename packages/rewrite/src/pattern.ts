import type { DType } from '@bitwright/core';
import type { GetAttrNode, OpNode, Value } from '@bitwright/graph';
import { type AttributeConditions, attributeGuard } from './attribute-guard.js';
import type { OpName } from './op-schemas.js';
import {
  type ConstantData,
  describePattern,
  type Guard,
  type OpData,
  type PatternData,
} from './pattern-data.js';
import type { Flat, FreshCapture } from './pattern-types.js';
import { dtypeGuard, elementsGuard, ownGuard, rankGuard, scalarGuard, shapeGuard } from './value-guards.js';

/** Key of the property by which the compiler knows a pattern's captures; nothing is stored under it. */
export declare const CAPTURES: unique symbol;

/** Key of the property by which the compiler knows the names that a pattern asks for. */
export declare const REFERENCES: unique symbol;

/** A name that `same` or `resultOf` asks for: what it means must be captured somewhere in the whole pattern. */
export interface Reference<K extends string = string> {
  readonly by: 'same' | 'resultOf';
  readonly name: K;
}

/** A part of a graph to look for. `C` maps the names given by `as` to what they capture, `R` are the names it asks for. */
export class Pattern<C extends object = object, R extends Reference = Reference> {
  declare readonly [CAPTURES]: C;
  declare readonly [REFERENCES]: R;

  constructor(readonly data: PatternData) {}

  toString(): string {
    return describePattern(this.data);
  }
}

type Data<K extends PatternData['kind']> = Extract<PatternData, { kind: K }>;

/** A pattern of one value; `S` is what it captures. Every method gives a new pattern. */
export class ValuePattern<C extends object, S, R extends Reference = never> extends Pattern<C, R> {
  declare readonly data: Data<'any' | 'op' | 'constant' | 'anyOf'>;

  /** Captures what matches under a name that is new in the whole pattern. */
  as<const K extends string>(name: FreshCapture<C, K>): ValuePattern<Flat<C & Record<K, S>>, S, R> {
    return new ValuePattern({ ...this.data, capture: name });
  }

  /** Needs one of these element types; an unknown one does not match. */
  dtype(...dtypes: readonly DType[]): this {
    return this.guardValue(dtypeGuard(dtypes));
  }

  /** Needs one of these ranks; an unknown one does not match. */
  rank(...ranks: readonly number[]): this {
    return this.guardValue(rankGuard(ranks));
  }

  /** Needs this shape: a number is that size, undefined any size, known or not. */
  shape(dims: readonly (number | undefined)[]): this {
    return this.guardValue(shapeGuard(dims));
  }

  protected guardValue(guard: Guard<Value>): this {
    return this.rebuilt({ ...this.data, valueGuards: [...this.data.valueGuards, guard] });
  }

  protected rebuilt(data: PatternData): this {
    return new (this.constructor as new (data: PatternData) => this)(data);
  }
}

/** A pattern of any value that is there, whoever makes it. */
export class AnyPattern<C extends object> extends ValuePattern<C, Value> {
  override as<const K extends string>(name: FreshCapture<C, K>): AnyPattern<Flat<C & Record<K, Value>>> {
    return new AnyPattern({ ...this.data, capture: name });
  }

  /** Needs a condition on the value; `needed` says which, for traces, and a string says what was found instead. */
  where(condition: (value: Value) => boolean | string, needed: string): this {
    return this.guardValue(ownGuard(condition, needed));
  }
}

/** A pattern of a value that an initializer makes. */
export class ConstantPattern<C extends object> extends ValuePattern<C, GetAttrNode> {
  declare readonly data: ConstantData;

  override as<const K extends string>(
    name: FreshCapture<C, K>,
  ): ConstantPattern<Flat<C & Record<K, GetAttrNode>>> {
    return new ConstantPattern({ ...this.data, capture: name });
  }

  /** Needs a tensor of one element; with a value, of that value (as far as the tensor's type can tell). */
  scalar(value?: number): this {
    return this.#guard(scalarGuard(value));
  }

  /** Needs every element to be a value, or to meet a condition; reads the tensor, so it is best put behind cheaper conditions. */
  elements(wanted: number | ((element: number) => boolean), needed?: string): this {
    if (typeof wanted === 'function')
      return this.#guard(elementsGuard(wanted, needed ?? 'elements that meet the pattern'));
    const isWanted = (element: number) => element === wanted || element === Math.fround(wanted);
    return this.#guard(elementsGuard(isWanted, needed ?? `all elements ${wanted}`));
  }

  /**
   * Needs a condition on the initializer; `needed` says which, for traces, and a string says what was found instead.
   * Reading `tensor.data()` may be costly.
   */
  where(condition: (node: GetAttrNode) => boolean | string, needed: string): this {
    return this.#guard(ownGuard(condition, needed));
  }

  #guard(guard: Guard<GetAttrNode>): this {
    return this.rebuilt({ ...this.data, nodeGuards: [...this.data.nodeGuards, guard] });
  }
}

/** Key of the property by which the compiler knows how many inputs a pattern speaks of. */
export declare const INPUTS: unique symbol;

/** A pattern of a value that an operator makes, with patterns of its first `I` inputs. */
export class OpPattern<
  C extends object,
  N extends OpName,
  I extends number = number,
  R extends Reference = never,
> extends ValuePattern<C, OpNode, R> {
  declare readonly data: OpData;
  declare readonly [INPUTS]: I;

  override as<const K extends string>(
    name: FreshCapture<C, K>,
  ): OpPattern<Flat<C & Record<K, OpNode>>, N, I, R> {
    return new OpPattern({ ...this.data, capture: name });
  }

  /**
   * Needs attributes: a plain value is compared with the attribute or, when that is left out, with the operator's default;
   * a function gets the plain value (the default, or undefined) and says whether it will do.
   */
  attributes(conditions: AttributeConditions<N>): this {
    const guards = Object.entries(conditions).map(([name, wanted]) =>
      attributeGuard(this.data.opName, name, wanted),
    );
    return this.rebuilt({ ...this.data, nodeGuards: [...this.data.nodeGuards, ...guards] });
  }

  /** Needs a condition on the operator; `needed` says which, for traces, and a string says what was found instead. */
  where(condition: (node: OpNode) => boolean | string, needed: string): this {
    const guard = ownGuard(condition, needed);
    return this.rebuilt({ ...this.data, nodeGuards: [...this.data.nodeGuards, guard] });
  }

  /** Lets an inner operator's results be read from outside the match too: it then stays in the graph. */
  shared(): this {
    return this.rebuilt({ ...this.data, shared: true });
  }

  /** Lets the operator stand in a graph around its reader's: a match never crosses the border of a body otherwise. */
  crossing(): this {
    return this.rebuilt({ ...this.data, crossing: true });
  }

  /** Means another result than the first. */
  output(index: number): this {
    return this.rebuilt({ ...this.data, output: index });
  }
}

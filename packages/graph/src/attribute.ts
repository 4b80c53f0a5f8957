import { BitwrightError, type Tensor } from '@bitwright/core';
import type { Graph } from './graph.js';

/** An integer of an attribute: a number where it is safe, a bigint beyond 2^53. */
export type AttributeInt = number | bigint;

/** The value of an operator's attribute. `origin` is the protobuf message that it was read from, kept so that nothing is lost. */
export type Attribute = (
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: AttributeInt }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: Tensor }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly AttributeInt[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly type: 'graphs'; readonly value: readonly Graph[] }
  | { readonly type: 'other' }
) & { readonly origin?: unknown };

/** What an attribute may be given as: a plain number (or list) is an int when it is an integer, else a float; write `{ type, value }` to be exact. */
export type AttributeInit =
  | Attribute
  | number
  | bigint
  | string
  | readonly number[]
  | readonly string[]
  | Tensor;

/** Makes a typed attribute of a plain value. An array of numbers is ints when all are integers, else floats; an empty one is ints. */
export function attribute(init: AttributeInit): Attribute {
  if (typeof init === 'number')
    return Number.isInteger(init) ? { type: 'int', value: init } : { type: 'float', value: init };
  if (typeof init === 'bigint') return { type: 'int', value: init };
  if (typeof init === 'string') return { type: 'string', value: init };
  if (isList(init)) {
    if (typeof init[0] === 'string') return { type: 'strings', value: init as readonly string[] };
    const value = init as readonly number[];
    return { type: value.every(Number.isInteger) ? 'ints' : 'floats', value };
  }
  return 'dims' in init ? { type: 'tensor', value: init } : init;
}

function isList(
  init: Attribute | Tensor | readonly unknown[],
): init is readonly number[] | readonly string[] {
  return Array.isArray(init);
}

/** The graphs that an attribute holds: none, one, or several. */
export function graphsOf(attr: Attribute): readonly Graph[] {
  if (attr.type === 'graph') return [attr.value];
  return attr.type === 'graphs' ? attr.value : [];
}

/** The named attributes of one operator, with typed readers that fall back on the operator's default. */
export class Attributes implements Iterable<[string, Attribute]> {
  readonly #map: Map<string, Attribute>;

  constructor(entries: Iterable<readonly [string, Attribute]> = []) {
    this.#map = new Map(entries);
  }

  static from(init: Readonly<Record<string, AttributeInit | undefined>>): Attributes {
    const attributes = new Attributes();
    for (const [name, value] of Object.entries(init)) {
      if (value !== undefined) attributes.#map.set(name, attribute(value));
    }
    return attributes;
  }

  get size(): number {
    return this.#map.size;
  }

  has(name: string): boolean {
    return this.#map.has(name);
  }

  get(name: string): Attribute | undefined {
    return this.#map.get(name);
  }

  /** A copy with some attributes replaced; undefined removes one. */
  with(changes: Readonly<Record<string, AttributeInit | undefined>>): Attributes {
    const copy = new Attributes(this.#map);
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) copy.#map.delete(name);
      else copy.#map.set(name, attribute(value));
    }
    return copy;
  }

  int(name: string, fallback: number): number {
    const attr = this.#typed(name, 'int');
    return attr === undefined ? fallback : Number(attr.value);
  }

  float(name: string, fallback: number): number {
    const attr = this.#typed(name, 'float');
    return attr === undefined ? fallback : attr.value;
  }

  string(name: string, fallback: string): string {
    const attr = this.#typed(name, 'string');
    return attr === undefined ? fallback : attr.value;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#typed(name, 'ints')?.value.map(Number);
  }

  tensor(name: string): Tensor | undefined {
    return this.#typed(name, 'tensor')?.value;
  }

  [Symbol.iterator](): IterableIterator<[string, Attribute]> {
    return this.#map.entries();
  }

  #typed<T extends Attribute['type']>(name: string, type: T): Extract<Attribute, { type: T }> | undefined {
    const attr = this.#map.get(name);
    if (attr === undefined) return undefined;
    if (attr.type === type) return attr as Extract<Attribute, { type: T }>;
    throw new BitwrightError({
      code: 'ATTRIBUTE_TYPE',
      message: `The attribute '${name}' is of type ${attr.type} where ${type} was expected.`,
      hint: 'Check the model with the ONNX checker: the operator does not have its standard attributes.',
    });
  }
}

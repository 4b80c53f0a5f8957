import type { Attribute, OpNode } from '@bitwright/graph';
import { type AttributesOf, attributeDefault, type OpName } from './op-schemas.js';
import type { Guard } from './pattern-data.js';

/** What a pattern asks of an operator's attributes. */
export type AttributeConditions<N extends OpName> = {
  readonly [K in keyof AttributesOf<N>]?:
    | AttributesOf<N>[K]
    | ((value: AttributesOf<N>[K] | undefined) => boolean);
};

/** The plain value of a node's attribute, or the operator's default when it is left out. */
export function attributeValue(node: OpNode, opName: string, name: string): unknown {
  const attr = node.attributes.get(name);
  return attr === undefined ? attributeDefault(opName, name) : plainValue(attr);
}

/** A condition on one attribute. */
export function attributeGuard(opName: string, name: string, wanted: unknown): Guard<OpNode> {
  const holds =
    typeof wanted === 'function'
      ? (wanted as (value: unknown) => boolean)
      : (value: unknown) => sameValue(value, wanted);
  return {
    needed:
      typeof wanted === 'function' ? `attribute ${name} that meets the pattern` : `${name} = ${show(wanted)}`,
    holds: (node) => holds(attributeValue(node, opName, name)),
    found: (node) => `${name} = ${show(attributeValue(node, opName, name))}`,
  };
}

function plainValue(attr: Attribute): unknown {
  if (attr.type === 'other') return undefined;
  if (attr.type === 'int') return Number(attr.value);
  // Only integers beyond 2^53 are kept as bigints; a list without them needs no copy.
  if (attr.type === 'ints' && attr.value.some(isBig)) return attr.value.map(Number);
  return attr.value;
}

function isBig(value: unknown): boolean {
  return typeof value === 'bigint';
}

function sameValue(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(value) && Array.isArray(wanted)) {
    if (value.length !== wanted.length) return false;
    for (let i = 0; i < value.length; i++) if (!sameValue(value[i], wanted[i])) return false;
    return true;
  }
  if (typeof value === 'number' && typeof wanted === 'number')
    return value === wanted || value === Math.fround(wanted);
  return value === wanted;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value));
}

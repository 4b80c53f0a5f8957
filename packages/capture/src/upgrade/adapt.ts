import { DenseTensor, type Tensor } from '@bitwright/core';
import type { AttributeInit, OpNode, Value } from '@bitwright/graph';
import type { Adapter } from './upgrade.js';

/** The change is one of signature only: every node that a runtime ever ran stays as it is. */
export const unchanged: Adapter = () => undefined;

/** Removes attributes that no longer exist and had no effect on inference. */
export function dropAttributes(...names: readonly string[]): Adapter {
  return (node) => changeAttributes(node, Object.fromEntries(names.map((name) => [name, undefined])));
}

/** Writes out a default that the newer version changed or dropped. */
export function stateDefaults(defaults: Readonly<Record<string, AttributeInit>>): Adapter {
  return (node) => {
    const absent = Object.entries(defaults).filter(([name]) => !node.attributes.has(name));
    changeAttributes(node, Object.fromEntries(absent));
  };
}

/** The operator has another name now. */
export function renameOperator(opType: string): Adapter {
  return (node) => {
    node.opType = opType;
  };
}

/** An attribute has another name now. */
export function renameAttribute(before: string, after: string): Adapter {
  return (node) => {
    const attr = node.attributes.get(before);
    changeAttributes(node, { [before]: undefined, ...(attr && { [after]: attr }) });
  };
}

/** A string attribute has other words for the same values now. */
export function renameWords(attribute: string, words: Readonly<Record<string, string>>): Adapter {
  return (node) => {
    const word = words[node.attributes.string(attribute, '')];
    if (word !== undefined) changeAttributes(node, { [attribute]: word });
  };
}

/** An attribute of integers is an input now, a one-dimensional int64 tensor. */
export function intsToInput(attribute: string, index: number): Adapter {
  return (node, upgrade) => {
    const attr = node.attributes.get(attribute);
    if (attr === undefined) return;
    if (attr.type !== 'ints') return upgrade.noPath(node, `its attribute '${attribute}' holds no integers`);
    // Not by way of numbers: ends of slices are often the largest int64.
    const data = BigInt64Array.from(attr.value, BigInt);
    const tensor = new DenseTensor('int64', [data.length], data);
    changeAttributes(node, { [attribute]: undefined });
    setInput(node, index, upgrade.constant(node, attribute, tensor));
  };
}

/** Runs adapters one after the other. */
export function inTurn(...adapters: readonly Adapter[]): Adapter {
  return (node, upgrade) => {
    for (const adapter of adapters) adapter(node, upgrade);
  };
}

/** Replaces some attributes of a node; undefined removes one. */
export function changeAttributes(
  node: OpNode,
  changes: Readonly<Record<string, AttributeInit | undefined>>,
): void {
  if (Object.keys(changes).some((name) => changes[name] !== undefined || node.attributes.has(name)))
    node.attributes = node.attributes.with(changes);
}

/** Sets an input; leaving out the last ones shortens the list, as files write it. */
export function setInput(node: OpNode, index: number, value: Value | undefined): void {
  if (value === undefined && index >= node.inputs.length) return;
  node.setInput(index, value);
  let count = node.inputs.length;
  while (count > 0 && node.inputs[count - 1] === undefined) count--;
  node.truncateInputs(count);
}

/** True for a tensor without elements, by which older versions say that an input is not used. */
export function isEmpty(tensor: Tensor | undefined): boolean {
  return tensor?.dims.includes(0) ?? false;
}

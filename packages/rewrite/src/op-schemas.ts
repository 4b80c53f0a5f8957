import { nearestName } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import { OP_ARITIES, OP_DEFAULTS, OP_FLOATS, type StandardOpSchemas } from './op-schemas.generated.js';

/** What the compiler knows of an operator: the most inputs and outputs (`number`: any), and the types of its attributes. */
export interface OpSchema {
  readonly inputs: number;
  readonly outputs: number;
  readonly attributes: object;
}

/** The attributes of a quantizer of the private dialect. */
interface QuantizerAttributes {
  readonly role: string;
  readonly bits: number;
  readonly signed: number;
  readonly quant_min: number;
  readonly quant_max: number;
  readonly axis: number;
}

/**
 * The operators that patterns and rewrites may name. A plugin adds its own by declaration merging:
 * `declare module 'bitwright/plugin' { interface OpSchemas { 'my.domain.Op': { inputs: 2; outputs: 1; attributes: { axis: number } } } }`.
 * The name of an operator outside the standard domain is `domain.OpType`.
 */
export interface OpSchemas extends StandardOpSchemas {
  'ai.bitwright.QuantStub': { inputs: 3; outputs: 1; attributes: QuantizerAttributes };
  'ai.bitwright.DeQuantStub': { inputs: 1; outputs: 1; attributes: Record<string, never> };
  'ai.bitwright.FakeQuantize': { inputs: 3; outputs: 1; attributes: QuantizerAttributes };
}

/** The name of a known operator. */
export type OpName = keyof OpSchemas & string;

/** The attributes of an operator, by name. */
export type AttributesOf<N extends OpName> = OpSchemas[N]['attributes'];

/** How many inputs and outputs a standard operator takes. */
export interface OpArity {
  readonly fewest: number;
  readonly most: number;
  readonly outputs: number;
}

let arities: ReadonlyMap<string, OpArity> | undefined;
let defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
let floats: ReadonlyMap<string, ReadonlySet<string>> | undefined;

/** The arities of all standard operators, by name. */
export function opArities(): ReadonlyMap<string, OpArity> {
  arities ??= new Map(
    OP_ARITIES.split(';').map((entry) => {
      const [name = '', fewest, most, outputs] = entry.split(' ');
      const count = (text: string | undefined) => (text === 'many' ? Number.POSITIVE_INFINITY : Number(text));
      return [name, { fewest: count(fewest), most: count(most), outputs: count(outputs) }];
    }),
  );
  return arities;
}

/** The standard operator that a misspelt name most likely meant; undefined for a name that exists, or is like none. */
export function nearestOperator(opType: string): string | undefined {
  const known = opArities();
  return known.has(opType) ? undefined : nearestName(opType, known.keys());
}

/** The default of an attribute of a standard operator; undefined when it has none, or one that depends on the opset. */
export function attributeDefault(opName: string, attribute: string): unknown {
  defaults ??= JSON.parse(OP_DEFAULTS) as Record<string, Record<string, unknown>>;
  return defaults[opName]?.[attribute];
}

/** True when an attribute of a standard operator is a floating-point number, or a list of such. */
export function isFloatAttribute(opName: string, attribute: string): boolean {
  floats ??= new Map(
    OP_FLOATS.split(';').map((entry) => {
      const [name = '', ...attributes] = entry.split(' ');
      return [name, new Set(attributes)];
    }),
  );
  return floats.get(opName)?.has(attribute) ?? false;
}

/** The name of a node's operator as patterns spell it: `OpType`, or `domain.OpType` outside the standard domain. */
export function opNameOf(node: OpNode): string {
  return node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;
}

/** The domain and type of an operator's name. */
export function splitOpName(name: string): { readonly domain: string; readonly opType: string } {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? { domain: '', opType: name } : { domain: name.slice(0, dot), opType: name.slice(dot + 1) };
}

const COMMUTATIVE: ReadonlySet<string> = new Set([
  ...['Add', 'Mul', 'And', 'Or', 'Xor', 'Equal', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor'],
  ...['Max', 'Min', 'Sum', 'Mean'],
]);

/** True when the order of an operator's first two inputs does not matter. */
export function isCommutative(opName: string): boolean {
  return COMMUTATIVE.has(opName);
}

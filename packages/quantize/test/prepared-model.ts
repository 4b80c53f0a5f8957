import { findBackend } from '@bitwright/backends';
import { type GraphModule, lint, type OpNode, parseModule, type Value } from '@bitwright/graph';
import { type PreparedModel, prepare } from '../src/prepare.js';
import { parseBits, type QConfig, type QConfigMapping, QConfigResolver } from '../src/qconfig.js';

/** The plainest configuration: 4 bits, symmetric weights per channel, int32 bias. */
export const QCONFIG: QConfig = {
  weights: 4,
  activations: 4,
  symmetricWeights: true,
  perChannel: true,
  symmetricActivations: false,
  reduceRange: false,
  powerOfTwo: false,
  bias: 'int32',
};

/** What a test says about a preparation besides the model. */
export interface Choices {
  readonly backend?: string;
  readonly bits?: string;
  readonly config?: Partial<QConfig>;
  readonly mapping?: QConfigMapping;
  readonly keepFloat?: readonly string[];
}

/** Reads a model from its text form: `body` is a graph; the header is made. */
export function model(body: string): GraphModule {
  return parseModule(`<ir_version: 10, opset_import: ["": 21, "com.example": 1]> ${body}`);
}

/** The resolver of a test's choices. */
export function resolverOf({ bits, config, mapping, keepFloat }: Choices): QConfigResolver {
  return new QConfigResolver({ ...QCONFIG, ...config, ...(bits && parseBits(bits)) }, mapping, keepFloat);
}

/** Prepares a model in text form, and verifies the result. */
export function preparedModel(body: string, choices: Choices = {}): PreparedModel {
  const module = model(body);
  const prepared = prepare(module, findBackend(choices.backend ?? 'integer-only'), resolverOf(choices));
  lint(module, 'prepare');
  return prepared;
}

/** Every operator of the main graph as `y = Conv(x, w)`, in order. */
export function outline({ graph }: GraphModule): string[] {
  const names = (values: readonly (Value | undefined)[]): string =>
    values.map((value) => value?.name ?? '').join(', ');
  return [...graph.ops()].map((node) => `${names(node.outputs)} = ${node.opType}(${names(node.inputs)})`);
}

/** The operator that makes a value. */
export function producerOf({ graph }: GraphModule, value: string): OpNode {
  const producer = graph.findValue(value)?.producer;
  if (producer?.kind !== 'op') throw new Error(`no operator makes '${value}'`);
  return producer;
}

import { type BackendTable, findTable, loadBackendChecker, resolveBackend } from '@bitwright/backends';
import { type GraphModule, nodeName, parseModule } from '@bitwright/graph';
import { parseBits, prepare, type QConfig, QConfigResolver } from '@bitwright/quantize';
import { TestFailure } from './test-failure.js';

/** What a table is held against. */
export interface BackendCases {
  /** `W8A8` by default. */
  readonly bits?: string;
  /** Nodes that must be quantized, with the entry that claims them: `Conv+Relu`. */
  readonly quantizes: readonly {
    readonly model: string | GraphModule;
    readonly node: string;
    readonly entry: string;
  }[];
  /** Nodes that must stay float, with the code. */
  readonly leaves?: readonly {
    readonly model: string | GraphModule;
    readonly node: string;
    readonly code: string;
  }[];
}

/** Holds backend tables against models. */
export const backendTester = {
  /** Checks a table, and what it makes of each model's nodes. @throws TestFailure naming table, node and what was found. */
  async run(table: BackendTable, { bits = 'W8A8', quantizes, leaves = [] }: BackendCases): Promise<void> {
    const { checkBackend } = await loadBackendChecker();
    const errors = checkBackend(table).filter(({ severity }) => severity === 'error');
    if (errors.length > 0)
      throw new TestFailure(`The table '${table.name}': ${errors.map(({ message }) => message).join(' ')}`);
    for (const { model, node, entry } of quantizes) {
      const found = fateOf(table, bits, model, node);
      if (found !== entry)
        throw new TestFailure(
          `The table '${table.name}', node '${node}': it is ${found}, and ${entry} is expected.`,
        );
    }
    for (const { model, node, code } of leaves) {
      const found = fateOf(table, bits, model, node);
      if (found !== code)
        throw new TestFailure(
          `The table '${table.name}', node '${node}': it is ${found}, and ${code} is expected.`,
        );
    }
  },
} as const;

/** The entry that claims a node, or the code with which it stays float. */
function fateOf(table: BackendTable, bits: string, model: string | GraphModule, name: string): string {
  const module = typeof model === 'string' ? parseModule(model) : model.clone();
  const node = [...module.graph.allOps()].find((op) => nodeName(op) === name);
  if (node === undefined) throw new TestFailure(`The model has no node '${name}'.`);
  const { layers, float } = prepare(
    module,
    resolveBackend(table, findTable),
    new QConfigResolver(config(bits)),
  );
  const layer = layers.find(({ nodes }) => nodes.includes(node));
  return layer?.entry.pattern.join('+') ?? float.get(node)?.code ?? 'FLOAT_IN_BODY';
}

function config(bits: string): QConfig {
  return {
    ...parseBits(bits),
    symmetricWeights: true,
    perChannel: true,
    symmetricActivations: false,
    reduceRange: false,
    powerOfTwo: false,
    bias: 'int32',
  };
}

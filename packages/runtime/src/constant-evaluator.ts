import { BitwrightError, elementCount, type Tensor } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { GraphModule, type OpNode } from '@bitwright/graph';
import type { ConstantEvaluator } from '@bitwright/rewrite';
import type { OpenExecutor } from './executor.js';

/** The most elements that an operator may read to be evaluated. */
const MOST_ELEMENTS = 2 ** 20;

/** Element types that a runtime takes and gives: others are left, 4- and 2-bit results would even abort the process. */
const RUNS = /^(float|double|float16|bool|u?int(8|16|32|64))$/;

/**
 * Evaluates operators with constant inputs by running each as a model of its own, for constant folding.
 *
 * @param module the model that the operators stand in, for its operator sets.
 * @param open the runtime; it is opened only when there is something to evaluate.
 */
export function constantEvaluator(module: GraphModule, open: OpenExecutor): ConstantEvaluator {
  return {
    async evaluate(node, inputs) {
      const read = inputs.filter((tensor) => tensor !== undefined);
      if (!read.every(({ dtype }) => RUNS.test(dtype))) return undefined;
      if (read.reduce((sum, { dims }) => sum + elementCount(dims), 0) > MOST_ELEMENTS) return undefined;
      try {
        return await run(alone(module, node, inputs), open, node.displayName);
      } catch (thrown) {
        // what the runtime refuses stays in the graph, as it would without a runtime
        if (thrown instanceof BitwrightError) return undefined;
        throw thrown;
      }
    },
  };
}

/** A model of one operator without inputs. */
function alone(module: GraphModule, node: OpNode, inputs: readonly (Tensor | undefined)[]): GraphModule {
  const made = new GraphModule();
  made.irVersion = module.irVersion;
  for (const [domain, version] of module.opsets) made.opsets.set(domain, version);
  const { graph } = made;
  const operator = graph.createOp({
    opType: node.opType,
    domain: node.domain,
    name: 'operator',
    inputs: inputs.map((tensor, i) => tensor && graph.getAttr(`input_${i}`, tensor).output),
    attributes: node.attributes,
    outputs: node.outputs.map((value, i) => ({
      name: value.name === '' ? '' : `output_${i}`,
      ...(value.type && { type: value.type }),
    })),
  });
  graph.setOutputs(operator.outputs.filter(({ name }) => name !== ''));
  return made;
}

async function run(
  made: GraphModule,
  open: OpenExecutor,
  name: string,
): Promise<readonly Tensor[] | undefined> {
  const names = [...made.graph.ops()][0]!.outputs.map((value) => value.name);
  // a result that nobody named has no place in the answer, which is by position
  if (names.includes('')) return undefined;
  if (!made.graph.outputs.every(({ dtype }) => dtype === undefined || RUNS.test(dtype))) return undefined;
  const executor = await open(emitBytes(made), { name, threads: 1 });
  try {
    const results = await executor.run(new Map());
    return names.map((output) => results.get(output)!);
  } finally {
    await executor.release();
  }
}

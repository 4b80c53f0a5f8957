import { emitBytes } from '@bitwright/emit';
import { cloneGraph, GraphModule, isDeQuantStub, isQuantizer, type Value } from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import type { PreparedModel } from '../prepare.js';
import type { FloatModel } from './latent-weights.js';
import type { Rows } from './rows.js';
import { runRows } from './run-rows.js';
import { buildTrainingGraph } from './training-graph.js';

/** Runs samples from one value of the network to another, as it is quantized now. */
export async function runQuantized(
  prepared: PreparedModel,
  float: FloatModel,
  [input, output]: readonly [Value, Value],
  rows: Rows,
  open: OpenExecutor,
): Promise<Rows> {
  if (input === output) return rows;
  const block = { from: input, input, output, layers: [], quantizers: [] };
  const built = buildTrainingGraph(prepared, float, block, rows.sizes);
  return run(built.module, built.input.name, built.output.name, rows, open);
}

/** Runs samples from one value of the network to another without any quantization. */
export async function runFloat(
  float: FloatModel,
  [input, output]: readonly [Value, Value],
  rows: Rows,
  open: OpenExecutor,
): Promise<Rows> {
  if (input === output) return rows;
  const values = new Map<Value, Value>();
  const graph = cloneGraph(float.module.graph, values);
  const module = new GraphModule(graph);
  module.irVersion = float.module.irVersion;
  for (const [domain, version] of float.module.opsets)
    if (domain !== 'ai.bitwright') module.opsets.set(domain, version);
  const inside = graph.findValue(input.name)!;
  const type = { kind: 'tensor', dtype: 'float', shape: rows.sizes } as const;
  for (const node of graph.ops()) for (const value of node.outputs) value.type = undefined;
  let name = inside.name;
  if (inside.producer.kind === 'placeholder') inside.type = type;
  else {
    const fed = graph.placeholder(graph.freshName('block_input'), type).output;
    inside.replaceAllUsesWith(fed);
    name = fed.name;
  }
  graph.setOutputs([graph.findValue(output.name)!]);
  for (const node of [...graph.ops()]) {
    if (!isDeQuantStub(node) && !isQuantizer(node)) continue;
    node.output.replaceAllUsesWith(node.inputs[0]!);
    graph.eraseNode(node);
  }
  graph.eliminateDeadCode();
  for (const node of graph.placeholders) if (node.output.uses.size === 0) graph.eraseNode(node);
  return run(module, name, graph.outputs[0]!.name, rows, open);
}

async function run(
  module: GraphModule,
  input: string,
  output: string,
  rows: Rows,
  open: OpenExecutor,
): Promise<Rows> {
  const executor = await open(emitBytes(module, { external: 'inline' }), {
    name: 'a part of the network',
    threads: 1,
  });
  try {
    return await runRows({ executor, input, output }, rows);
  } finally {
    await executor.release();
  }
}

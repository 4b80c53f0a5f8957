import type { SampleSource } from '@bitwright/data';
import { emitBytes } from '@bitwright/emit';
import { type GraphModule, nodeName } from '@bitwright/graph';
import { type Executor, indexOfLargest, logitRows, logitsName, type OpenExecutor } from '@bitwright/runtime';
import type { DiffDocument } from './diff-document.js';
import { Noise } from './noise.js';

/** How outputs are compared. */
export interface OutputDiffOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  /** The output that holds the logits; the only one by default. */
  readonly output?: string;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** The differences that data shows. */
export interface OutputDiff {
  readonly outputs: NonNullable<DiffDocument['outputs']>;
  /** Signal-to-noise ratio of a layer's result by its name, in dB; null where both are equal. */
  readonly layers: ReadonlyMap<string, number | null>;
}

const BATCH = 8;

/**
 * Runs two models as they are written (faithful mode) over the same samples, and compares the results of the layers that both
 * have, before their own quantizer, and the outputs.
 *
 * @param names the layers' names.
 */
export async function diffOutputs(
  first: GraphModule,
  second: GraphModule,
  names: readonly string[],
  options: OutputDiffOptions,
): Promise<OutputDiff> {
  const wanted = new Set(names);
  const probes = [first, second].map((module) => probe(module, wanted));
  const executors: Executor[] = [];
  try {
    for (const [i, { bytes }] of probes.entries())
      executors.push(await options.open(bytes, { mode: 'faithful', name: `model ${i + 1} with its layers` }));
    return await compare(executors, probes, options);
  } finally {
    for (const executor of executors) await executor.release();
  }
}

interface Probe {
  readonly bytes: Uint8Array;
  readonly outputNames: readonly string[];
  /** The value of each layer. */
  readonly layers: ReadonlyMap<string, string>;
}

/** A copy of a model whose layers' results are outputs. */
function probe(module: GraphModule, wanted: ReadonlySet<string>): Probe {
  const outputNames = module.graph.outputs.map(({ name }) => name);
  const copy = module.clone();
  const { graph } = copy;
  const layers = new Map<string, string>();
  for (const node of graph.ops()) {
    const [output] = node.outputs;
    if (output === undefined || !wanted.has(nodeName(node))) continue;
    if (output.dtype !== undefined && output.dtype !== 'float') continue;
    layers.set(nodeName(node), output.name);
  }
  const values = [...new Set([...outputNames, ...layers.values()])].map((name) => graph.findValue(name)!);
  graph.setOutputs(values);
  return { bytes: emitBytes(copy, { external: 'inline' }), outputNames, layers };
}

async function compare(
  [first, second]: readonly Executor[],
  [a, b]: readonly Probe[],
  options: OutputDiffOptions,
): Promise<OutputDiff> {
  const layers = [...a!.layers.keys()].filter((name) => b!.layers.has(name));
  const noise = new Map(layers.map((name) => [name, new Noise()]));
  const [logitsA, logitsB] = [a!, b!].map(({ outputNames }) => logitsName(outputNames, options.output));
  const all = new Noise();
  const counts = { samples: 0, agreement: 0, correct: [0, 0] as [number, number], labels: true };
  for await (const batch of options.data.batches(BATCH)) {
    options.signal?.throwIfAborted();
    const left = await first!.run(batch.inputs, [
      ...new Set([logitsA!, ...layers.map((name) => a!.layers.get(name)!)]),
    ]);
    const right = await second!.run(batch.inputs, [
      ...new Set([logitsB!, ...layers.map((name) => b!.layers.get(name)!)]),
    ]);
    for (const name of layers)
      noise.get(name)!.add(left.get(a!.layers.get(name)!)!.data(), right.get(b!.layers.get(name)!)!.data());
    const [rowsA, rowsB] = [
      logitRows(left.get(logitsA!)!, batch.size),
      logitRows(right.get(logitsB!)!, batch.size),
    ];
    all.add(rowsA.data, rowsB.data);
    for (let i = 0; i < batch.size; i++) {
      const [ownA, ownB] = [rowsA, rowsB].map(({ data, width }) => indexOfLargest(data, i * width, width));
      if (ownA === ownB) counts.agreement++;
      if (ownA === batch.labels[i]) counts.correct[0]++;
      if (ownB === batch.labels[i]) counts.correct[1]++;
      counts.labels &&= batch.labels[i] !== undefined;
    }
    counts.samples += batch.size;
    options.onProgress?.(counts.samples, options.data.count);
  }
  const { samples, agreement, correct, labels } = counts;
  return {
    outputs: { samples, agreement, sqnr: all.decibel, largest: all.largest, ...(labels && { correct }) },
    layers: new Map(
      layers.flatMap((name) => (noise.get(name)!.seen ? [[name, noise.get(name)!.decibel]] : [])),
    ),
  };
}

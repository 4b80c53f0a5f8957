import { BitwrightError, type Diagnostic } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { qparamsOf, setQParams, type Value } from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import { applyRange } from '../calibrate.js';
import { decidesClasses, decisionRange } from '../decision-range.js';
import type { ObserverGroup, PreparedModel } from '../prepare.js';
import type { CalibratedRange } from '../ranges.js';
import { answers, areWorse } from './answers.js';
import { type Block, planBlocks } from './blocks.js';
import { largestCut } from './cut-sizes.js';
import { runFloat, runQuantized } from './forward.js';
import type { FloatModel } from './latent-weights.js';
import { buildModels } from './loss.js';
import { type ReconstructionPlan, type TrainingPlan, trainingBatch } from './plan.js';
import { loadRows, power, type Rows, relativeError, slicedRows } from './rows.js';
import { train } from './train.js';
import { buildTrainingGraph } from './training-graph.js';
import { snapshot, writeBack } from './write-back.js';

/** What reconstruction works with. */
export interface ReconstructOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  readonly plan: ReconstructionPlan;
  /** Chooses the grid of class scores again, by the classes that it tells apart. */
  readonly decisions: boolean;
  /** Bytes of activations that may be held; fewer samples are used where they do not fit. */
  readonly memory: number;
  readonly seed: number;
  /** Counts training steps over all blocks. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly onBlock?: (outcome: BlockOutcome) => void;
  readonly signal?: AbortSignal;
}

/** What became of a block: its error on samples held back, before and after. */
export interface BlockOutcome {
  readonly block: Block;
  readonly before: number;
  readonly after: number;
}

/** The part of the samples that nothing is trained on and that decides whether a result is kept. */
const HELD_BACK = 1 / 8;
/** Input, float input, output, float output, the whole network's and what a run makes stand in memory together. */
const TENSORS_HELD = 7;
const FEWEST_SAMPLES = 16;

/**
 * Learns weights, scales, biases and activation steps of a quantized network block by block, each with inputs from the
 * network that is quantized up to it, so that its output comes near that of the float network (BRECQ, Li et al., ICLR 2021).
 * In place. A block whose error on samples held back is not lower keeps what it
 * had; so does one that has no gradient, and that is told.
 *
 * @param float the model as it was prepared, from {@link rememberFloat}.
 */
export async function reconstruct(
  prepared: PreparedModel,
  float: FloatModel,
  options: ReconstructOptions,
): Promise<Diagnostic[]> {
  const [input, ...others] = prepared.module.graph.inputs;
  if (input === undefined || others.length > 0 || input.dtype !== 'float')
    return [left('the whole network', 'it has not one input of floats', input?.name)];
  const pass = new Reconstruction(prepared, float, options);
  return pass.run(input);
}

class Reconstruction {
  readonly #diagnostics: Diagnostic[] = [];
  #done = 0;

  constructor(
    private readonly prepared: PreparedModel,
    private readonly float: FloatModel,
    private readonly options: ReconstructOptions,
  ) {}

  async run(input: Value): Promise<Diagnostic[]> {
    const { prepared, float } = this;
    const { open, plan, seed, signal } = this.options;
    const blocks = planBlocks(prepared);
    const total = blocks.length * plan.steps;
    const start = await this.#load(input, blocks);
    if (start === undefined) return this.#diagnostics;
    const batch = start.sizes[0]!;
    const better = await this.#gate(input, blocks, start);
    let [at, quantized, reference] = [input, start, start];
    for (const [i, block] of blocks.entries()) {
      signal?.throwIfAborted();
      if (block.from !== at) {
        quantized = await runQuantized(prepared, float, [at, block.from], quantized, open);
        reference = await runFloat(float, [at, block.from], reference, open);
        at = block.from;
      }
      const reads = [at, block.input] as const;
      const rows = {
        quantized: await runQuantized(prepared, float, reads, quantized, open),
        float: await runFloat(float, reads, reference, open),
        target: await runFloat(float, [at, block.output], reference, open),
      };
      await this.#attempt(block, rows, { ...plan, batch, seed: seed + i }, total);
      if (this.options.decisions) await this.#decide(block, rows);
    }
    await better();
    return this.#diagnostics;
  }

  /**
   * Blocks whose own errors fell can still make a network that answers worse: at 2 bits on every edge the error of a block says
   * little of the classes.
   *
   * @returns what compares the whole network with what it is now, and puts everything back if it answers worse.
   */
  async #gate(input: Value, blocks: readonly Block[], start: Rows): Promise<() => Promise<void>> {
    const { prepared, float } = this;
    const { open } = this.options;
    const output = blocks.at(-1)?.output;
    if (output === undefined) return async () => {};
    const wanted = await runFloat(float, [input, output], start, open);
    const answered = async (): Promise<Float64Array> =>
      answers(
        output,
        prepared.groups,
        await runQuantized(prepared, float, [input, output], start, open),
        wanted,
      );
    const before = await answered();
    const group = prepared.groups.find(({ root }) => root === output);
    const grids = group?.quantizers.map((node) => ({ node, qparams: qparamsOf(node) })) ?? [];
    const restores = blocks.map(snapshot);
    return async () => {
      if (!areWorse(await answered(), before)) return;
      for (const restore of restores) restore();
      for (const { node, qparams } of grids) setQParams(node, qparams);
      this.#diagnostics.push(
        left('the whole network', 'it answers calibration samples worse afterwards', output.name),
      );
    };
  }

  async #load(input: Value, blocks: readonly Block[]): Promise<Rows | undefined> {
    const { data, memory, signal } = this.options;
    const first = await loadRows(input, data, 1, 1, signal);
    const largest = largestCut(this.prepared.module, input, first.sizes, blocks);
    const limit = Math.floor(memory / (TENSORS_HELD * 4 * largest));
    if (limit < FEWEST_SAMPLES) {
      const reason = `its activations let only ${limit} samples into the memory given`;
      this.#diagnostics.push(left('the whole network', reason, input.name));
      return undefined;
    }
    return loadRows(input, data, limit, trainingBatch(largest), signal);
  }

  /** Reconstructs a block, if it can be differentiated. */
  async #attempt(block: Block, rows: BlockRows, plan: TrainingPlan, total: number): Promise<void> {
    const before = this.#done;
    try {
      await this.#reconstruct(block, rows, plan, total);
    } catch (thrown) {
      if (!(thrown instanceof BitwrightError) || !UNFIT.has(thrown.code)) throw thrown;
      this.#diagnostics.push(
        left(`the block before '${block.output.name}'`, thrown.message, block.output.name),
      );
    }
    this.#done = before + plan.steps;
    this.options.onProgress?.(this.#done, total);
  }

  /** The grid behind a block that makes class scores. */
  async #decide({ input, output }: Block, rows: BlockRows): Promise<void> {
    const group = this.prepared.groups.find(({ root }) => root === output);
    if (group === undefined || group.quantizers.length === 0) return;
    const { values: float, samples } = rows.target;
    const classes = float.length / samples;
    if (!decidesClasses(group, rows.target.sizes)) return;
    const found = await runQuantized(
      this.prepared,
      this.float,
      [input, output],
      rows.quantized,
      this.options.open,
    );
    const scores = { float, quantized: found.values, classes };
    applyRange(group, decisionRange(group, scores, rangeOf(group, found.values)));
  }

  async #reconstruct(block: Block, rows: BlockRows, plan: TrainingPlan, total: number): Promise<void> {
    const { prepared, float } = this;
    const { open, signal, onProgress } = this.options;
    const { samples, sizes } = rows.quantized;
    const used = samples - Math.floor(samples * HELD_BACK);
    const training = buildTrainingGraph(prepared, float, block, sizes);
    const models = buildModels(training, power(rows.target.values));
    const part = (all: Rows): Float32Array => slicedRows(all, 0, used).values;
    const [quantized, input, target] = [part(rows.quantized), part(rows.float), part(rows.target)];
    // behind a prefix that is far off, the float network's values are no smaller disturbance but another distribution
    const quantizedShare = relativeError(quantized, input) > plan.mixedUpTo ? 1 : plan.quantizedShare;
    // with too few samples to hold some back, those that were trained on must do
    const first = used === samples ? 0 : used;
    const error = async (): Promise<number> => {
      const held = slicedRows(rows.quantized, first, samples);
      const wanted = slicedRows(rows.target, first, samples).values;
      const found = await runQuantized(prepared, float, [block.input, block.output], held, open);
      return relativeError(found.values, wanted);
    };
    const before = await error();
    const restore = snapshot(block);
    const data = { quantized, float: input, target, samples: used };
    const onStep = (): void => onProgress?.(++this.#done, total);
    const learning = { ...plan, quantizedShare };
    await train(models, training.parameters, data, sizes, learning, {
      open,
      onStep,
      ...(signal && { signal }),
    });
    writeBack(training, this.#diagnostics);
    const after = await error();
    this.options.onBlock?.({ block, before, after });
    if (!(after < before)) restore();
  }
}

/** The grid that a group has, with what its values span. */
function rangeOf({ quantizers }: ObserverGroup, values: Float32Array): CalibratedRange {
  const { bits, signed, quantMin, quantMax, scale, zeroPoint } = qparamsOf(quantizers[0]!);
  const [step, zero] = [scale[0]!, zeroPoint[0]!];
  let [min, max] = [0, 0];
  for (const value of values) [min, max] = [Math.min(min, value), Math.max(max, value)];
  const [low, high] = [(quantMin - zero) * step, (quantMax - zero) * step];
  return { min, max, low, high, scale: step, zeroPoint: zero, bits, signed, quantMin, quantMax };
}

interface BlockRows {
  readonly quantized: Rows;
  readonly float: Rows;
  readonly target: Rows;
}

const UNFIT: ReadonlySet<string> = new Set([
  'AUTODIFF_UNSUPPORTED',
  'AUTODIFF_SHAPE',
  'RECONSTRUCT_BATCH',
  'RUNTIME_LOAD_FAILED',
  'RUNTIME_RUN_FAILED',
]);

function left(what: string, reason: string, value = ''): Diagnostic {
  return {
    code: 'RECONSTRUCT_LEFT',
    severity: 'info',
    message: `Reconstruction leaves ${what} as it was: ${reason}.`,
    hint: 'It keeps the codes of the method balanced.',
    at: { value },
  };
}

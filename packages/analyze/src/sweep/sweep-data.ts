import { BitwrightError, type Diagnostic } from '@bitwright/core';
import type { InputSpec, SampleSource } from '@bitwright/data';
import { digest } from './digest.js';
import { readShards, type Shard, sourceOfShard } from './held-samples.js';
import type { SweepPlan } from './sweep-plan.js';

const BYTES_PER_SHARD = 2 ** 29;
const CALIBRATION_BATCH = 32;

/** The samples of a sweep for models of one kind of inputs. */
export interface SweepSamples {
  readonly key: string;
  readonly calibration: SampleSource;
  readonly evaluation: SampleSource;
  readonly calibrationDigest: string;
  readonly evaluationDigest: string;
  readonly evaluationCount: number;
  /** The evaluation samples, a shard at a time; decoded once where one shard holds them all. */
  shards(): AsyncIterable<Shard>;
}

/** Opens and keeps the samples that models of equal inputs share. */
export class SweepData {
  readonly #opened = new Map<string, Promise<SweepSamples>>();
  readonly #diagnostics: Diagnostic[] = [];

  constructor(private readonly plan: SweepPlan) {}

  /** What opening the data was worth telling. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  /** The samples for these inputs. @throws what opening and decoding throw, DATA_LABELS_MISSING. */
  for(inputs: readonly InputSpec[]): Promise<SweepSamples> {
    const key = JSON.stringify(inputs.map(({ name, dtype, shape }) => [name, dtype, shape ?? null]));
    const opened = this.#opened.get(key) ?? this.#open(key, inputs);
    this.#opened.set(key, opened);
    return opened;
  }

  async #open(key: string, inputs: readonly InputSpec[]): Promise<SweepSamples> {
    const evaluation = await this.plan.evaluation(inputs);
    if (!evaluation.hasLabels) throw noLabels(evaluation.name);
    const calibration = await this.plan.calibration(inputs);
    for (const source of [calibration, evaluation])
      for (const diagnostic of source.diagnostics)
        if (!this.#diagnostics.some(({ message }) => message === diagnostic.message))
          this.#diagnostics.push(diagnostic);
    const held = await read(calibration, CALIBRATION_BATCH);
    const batchSize = this.plan.batchSize(inputs);
    const shown = await read(evaluation, batchSize);
    return {
      key,
      calibration: held.only === undefined ? calibration : sourceOfShard(held.only, calibration),
      evaluation,
      calibrationDigest: held.digest,
      evaluationDigest: shown.digest,
      evaluationCount: shown.count,
      shards: () =>
        shown.only === undefined ? readShards(evaluation, batchSize, BYTES_PER_SHARD) : once(shown.only),
    };
  }
}

/** Reads a source through for its digest, and keeps it where one shard holds it. */
async function read(
  source: SampleSource,
  batchSize: number,
): Promise<{ readonly digest: string; readonly count: number; readonly only?: Shard }> {
  const ids: string[] = [];
  let count = 0;
  let last: Shard | undefined;
  for await (const shard of readShards(source, batchSize, BYTES_PER_SHARD)) {
    ids.push(shard.id);
    count += shard.count;
    last = shard;
  }
  return { digest: await digest(ids.join()), count, ...(ids.length === 1 && last && { only: last }) };
}

async function* once(shard: Shard): AsyncGenerator<Shard, void, void> {
  yield shard;
}

function noLabels(name: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_LABELS_MISSING',
    message: `The evaluation data '${name}' has no labels, and accuracy needs them.`,
    hint: 'Say in the data card where labels come from ("label").',
    at: { file: name, option: '--eval' },
  });
}

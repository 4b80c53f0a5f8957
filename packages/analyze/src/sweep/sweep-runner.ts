import { digestJson } from './digest.js';
import { type EvaluationJob, interrupted, type ShardScores } from './evaluate-shard.js';
import type { EvaluationPool } from './evaluation-pool.js';
import type { Shard } from './held-samples.js';
import type { SweepSamples } from './sweep-data.js';
import type { SweepLedger } from './sweep-ledger.js';
import {
  type CellOutcome,
  type CellTiming,
  type Entrant,
  failureOf,
  isFatal,
  type SweepOutcomes,
} from './sweep-outcome.js';
import {
  type ConvertedCell,
  cellName,
  type LoadedSubject,
  type SweepCell,
  type SweepPlan,
  type SweepSetting,
} from './sweep-plan.js';
import { TaskQueue } from './task-queue.js';

/** Where quantized files are kept. */
export interface CellFiles {
  /** The name that a cell's file has; it depends on the cell alone. */
  name(cell: SweepCell): string;
  has(name: string): boolean;
  /** @throws OUTPUT_UNWRITABLE. */
  write(name: string, bytes: Uint8Array): void;
}

/** What the jobs of a sweep run with. */
export interface RunnerOptions {
  readonly pool: EvaluationPool;
  readonly files?: CellFiles;
  readonly onProgress?: (phase: string, done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** An entrant that was read and has samples. */
type Ready = Entrant & { readonly loaded: LoadedSubject; readonly samples: SweepSamples };

/** The float models' scores on a shard, which hold the outputs that cells are compared with. */
type References = Map<Ready, Promise<ShardScores | undefined>>;

const HELD_BYTES = 2 ** 30;

/** Runs the jobs of a sweep that its ledger does not hold, and collects the outcomes of all. */
export class SweepRunner implements SweepOutcomes {
  readonly timings: CellTiming[] = [];
  readonly #outcomes = new Map<Entrant, Map<SweepSetting | undefined, CellOutcome>>();
  readonly #converted = new Map<CellOutcome, ConvertedCell>();
  #heldBytes = 0;
  #done = 0;
  #total = 0;

  constructor(
    private readonly plan: SweepPlan,
    private readonly options: RunnerOptions,
    private readonly ledger: SweepLedger,
    private readonly entrants: readonly Entrant[],
  ) {}

  float(entrant: Entrant): CellOutcome {
    return this.#outcome(entrant, undefined);
  }

  cell(entrant: Entrant, setting: SweepSetting): CellOutcome {
    return this.#outcome(entrant, setting);
  }

  /** @throws what ends the whole sweep: an output that can't be written, an interruption. */
  async run(): Promise<void> {
    const ready = this.entrants.filter(isReady);
    for (const { samples } of ready) this.#total += samples.evaluationCount * (this.plan.settings.length + 1);
    const keys = new Set(ready.map(({ samples }) => samples.key));
    for (const key of keys) {
      const group = ready.filter(({ samples }) => samples.key === key);
      for await (const shard of group[0]!.samples.shards()) await this.#runShard(group, shard);
    }
  }

  /** The float models first, so that no cell waits for its reference. */
  async #runShard(group: readonly Ready[], shard: Shard): Promise<void> {
    const queue = new TaskQueue(this.options.pool.size);
    try {
      const references: References = new Map();
      for (const entrant of group) {
        if (await this.#needsFloat(entrant, shard)) await this.#startFloat(queue, entrant, shard, references);
      }
      for (const entrant of group)
        for (const setting of this.plan.settings)
          await this.#startCell(queue, entrant, setting, shard, references.get(entrant));
    } finally {
      await queue.drain();
    }
  }

  async #needsFloat(entrant: Ready, shard: Shard): Promise<boolean> {
    const held = this.ledger.find(await this.#jobKey(entrant, undefined, shard));
    const pending = await Promise.all(
      this.plan.settings.map(
        async (setting) => this.ledger.find(await this.#jobKey(entrant, setting, shard)) === undefined,
      ),
    );
    if (held === undefined || pending.includes(true)) return true;
    this.#collect(this.float(entrant), held.scores);
    return false;
  }

  /** Starts the float model, whose promise gives its scores, or undefined when it failed. */
  async #startFloat(queue: TaskQueue, entrant: Ready, shard: Shard, references: References): Promise<void> {
    let settle: (scores: ShardScores | undefined) => void = () => undefined;
    const reference = new Promise<ShardScores | undefined>((resolve) => {
      settle = resolve;
    });
    references.set(entrant, reference);
    await queue.add(async () => {
      let scores: ShardScores | undefined;
      try {
        scores = await this.#runFloat(entrant, shard);
      } finally {
        settle(scores);
      }
    });
  }

  async #runFloat(entrant: Ready, shard: Shard): Promise<ShardScores | undefined> {
    const started = performance.now();
    const scores = await this.#evaluate(this.float(entrant), shard, {
      ...this.#job(entrant, entrant.loaded.bytes, entrant.subject.path),
      mode: 'default',
      keepOutputs: true,
    });
    if (scores === undefined) return undefined;
    this.#time(entrant, undefined, 0, started);
    const job = await this.#jobKey(entrant, undefined, shard);
    if (this.ledger.find(job) === undefined) await this.ledger.keep({ job, scores });
    return scores;
  }

  async #startCell(
    queue: TaskQueue,
    entrant: Ready,
    setting: SweepSetting,
    shard: Shard,
    reference: Promise<ShardScores | undefined> | undefined,
  ): Promise<void> {
    if (this.options.signal?.aborted === true) throw interrupted();
    const outcome = this.cell(entrant, setting);
    const job = await this.#jobKey(entrant, setting, shard);
    const held = this.ledger.find(job);
    const file = this.options.files?.name({ subject: entrant.subject, setting });
    if (file !== undefined) outcome.file = file;
    if (held !== undefined) {
      outcome.size = held.size!;
      outcome.dialect = held.dialect!;
      this.#collect(outcome, held.scores);
    }
    const emitted = file === undefined || this.options.files!.has(file);
    if (outcome.failure !== undefined || (held !== undefined && emitted)) return;
    const converting = performance.now();
    const converted = await this.#convert(entrant, setting, outcome, shard);
    const convertSeconds = (performance.now() - converting) / 1000;
    if (converted === undefined) return;
    if (!emitted) this.options.files!.write(file!, converted.bytes);
    if (held !== undefined) return;
    const outputs = (await reference)?.outputs;
    if (outputs === undefined) {
      outcome.failure = this.float(entrant).failure!;
      return;
    }
    await queue.add(async () => {
      const started = performance.now();
      const scores = await this.#evaluate(outcome, shard, {
        ...this.#job(entrant, converted.bytes, cellName({ subject: entrant.subject, setting })),
        mode: this.plan.mode,
        reference: outputs,
      });
      if (scores === undefined) return;
      this.#time(entrant, setting, convertSeconds, started);
      await this.ledger.keep({ job, scores, size: converted.bytes.length, dialect: converted.dialect });
    });
  }

  #job(entrant: Ready, model: Uint8Array, name: string): Omit<EvaluationJob, 'mode'> {
    const { output } = this.plan;
    return { model, name, kind: entrant.loaded.outputKind, ...(output !== undefined && { output }) };
  }

  /** Quantizes a cell; keeps the file in memory where several shards will want it. */
  async #convert(
    entrant: Ready,
    setting: SweepSetting,
    outcome: CellOutcome,
    shard: Shard,
  ): Promise<ConvertedCell | undefined> {
    const kept = this.#converted.get(outcome);
    if (kept !== undefined) return kept;
    try {
      const converted = await entrant.loaded.convert(setting, entrant.samples.calibration);
      outcome.size = converted.bytes.length;
      outcome.dialect = converted.dialect;
      const more = shard.count < entrant.samples.evaluationCount;
      if (more && this.#heldBytes + converted.bytes.length <= HELD_BYTES) {
        this.#heldBytes += converted.bytes.length;
        this.#converted.set(outcome, converted);
      }
      return converted;
    } catch (thrown) {
      this.#fail(outcome, thrown);
      return undefined;
    }
  }

  async #evaluate(outcome: CellOutcome, shard: Shard, job: EvaluationJob): Promise<ShardScores | undefined> {
    const { pool, signal } = this.options;
    try {
      const scores = await pool.evaluate(job, shard, {
        onSamples: (count) => this.#progress(count),
        stopped: () => signal?.aborted === true,
      });
      outcome.scores.push(scores);
      return scores;
    } catch (thrown) {
      this.#fail(outcome, thrown);
      return undefined;
    }
  }

  /** @throws what ends the whole sweep. */
  #fail(outcome: CellOutcome, thrown: unknown): void {
    if (this.options.signal?.aborted === true) throw interrupted();
    if (isFatal(thrown)) throw thrown;
    outcome.failure = failureOf(thrown);
  }

  #collect(outcome: CellOutcome, scores: ShardScores): void {
    outcome.scores.push(scores);
    this.#progress(scores.count);
  }

  #progress(count: number): void {
    this.#done += count;
    this.options.onProgress?.('evaluating', this.#done, this.#total);
  }

  #time(entrant: Entrant, setting: SweepSetting | undefined, convertSeconds: number, started: number): void {
    this.timings.push({
      model: entrant.subject.path,
      bits: setting?.bits ?? 'float',
      ...(setting && { scheme: setting.scheme, method: setting.method }),
      convertSeconds,
      evaluateSeconds: (performance.now() - started) / 1000,
    });
  }

  /** The digest of all that decides a job's result, and of nothing else. */
  #jobKey(entrant: Ready, setting: SweepSetting | undefined, shard: Shard): Promise<string> {
    const { loaded, samples } = entrant;
    return digestJson([
      Object.entries(this.plan.identity).sort(([a], [b]) => (a < b ? -1 : 1)),
      loaded.sha256,
      setting === undefined
        ? null
        : [setting.bits, setting.scheme, setting.method, samples.calibrationDigest, this.plan.mode],
      [shard.id, shard.first, shard.count],
      this.plan.output ?? null,
    ]);
  }

  #outcome(entrant: Entrant, setting: SweepSetting | undefined): CellOutcome {
    const ofEntrant = this.#outcomes.get(entrant) ?? new Map<SweepSetting | undefined, CellOutcome>();
    this.#outcomes.set(entrant, ofEntrant);
    const outcome: CellOutcome = ofEntrant.get(setting) ?? {
      scores: [],
      ...(entrant.failure && { failure: entrant.failure }),
    };
    ofEntrant.set(setting, outcome);
    return outcome;
  }
}

function isReady(entrant: Entrant): entrant is Ready {
  return entrant.loaded !== undefined && entrant.samples !== undefined;
}

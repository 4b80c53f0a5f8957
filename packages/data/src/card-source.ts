import { BitwrightError, type Diagnostic } from '@bitwright/core';
import type { SampleReader } from './sample-reader.js';
import type { Batch, SampleSource } from './sample-source.js';

/** A sample source over a format's reader and a selection of its samples. */
export class CardSource implements SampleSource {
  readonly #reader: SampleReader;
  readonly #order: Uint32Array;
  readonly #forced: number | undefined;

  /** @param forced the batch size that the model forces, which must divide the length of the order. */
  constructor(
    readonly name: string,
    reader: SampleReader,
    order: Uint32Array,
    forced: number | undefined,
    readonly diagnostics: readonly Diagnostic[],
  ) {
    this.#reader = reader;
    this.#order = order;
    this.#forced = forced;
  }

  get count(): number {
    return this.#order.length;
  }

  get hasLabels(): boolean {
    return this.#reader.hasLabels;
  }

  get synthetic(): boolean {
    return this.#reader.synthetic ?? false;
  }

  async *batches(batchSize: number): AsyncGenerator<Batch, void, void> {
    const wanted = this.#forced ?? checkedBatchSize(batchSize);
    const cursor = this.#reader.start(this.#order);
    try {
      for (let first = 0; first < this.count; first += wanted) {
        const size = Math.min(wanted, this.count - first);
        const { inputs, labels } = await cursor.next(size);
        yield { inputs, labels, size, first };
      }
    } finally {
      cursor.close?.();
    }
  }
}

/** A batch size as it is. @throws DATA_BATCH_SIZE when it isn't a whole number from 1 on. */
export function checkedBatchSize(batchSize: number): number {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return batchSize;
  throw new BitwrightError({
    code: 'DATA_BATCH_SIZE',
    message: `A batch size of ${batchSize} was asked for.`,
    hint: 'Ask for a whole number of samples, at least 1.',
    kind: 'usage',
  });
}

import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { BitwrightError, describeThrown } from '@bitwright/core';
import type { SweepJournal } from '../sweep/journal.js';

/**
 * A journal in a file. A line that a kill cut short is not given back, and is taken off before the next one is appended; a
 * line that can't be written whole (a full disk) is taken off at once.
 */
export class FileJournal implements SweepJournal {
  #length: number | undefined;

  constructor(private readonly path: string) {}

  async lines(): Promise<readonly string[]> {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(this.path);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#unwritable(thrown);
      this.#length = 0;
      return [];
    }
    this.#length = bytes.lastIndexOf(10) + 1;
    const text = new TextDecoder().decode(bytes.subarray(0, this.#length));
    return text.split('\n').slice(0, -1);
  }

  async append(line: string): Promise<void> {
    if (this.#length === undefined) await this.lines();
    const bytes = new TextEncoder().encode(`${line}\n`);
    let file: number | undefined;
    try {
      file = openSync(this.path, 'a');
      ftruncateSync(file, this.#length);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
      this.#length! += bytes.length;
    } catch (thrown) {
      if (file !== undefined) ftruncateSync(file, this.#length);
      throw this.#unwritable(thrown);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  #unwritable(cause: unknown): BitwrightError {
    return new BitwrightError({
      code: 'OUTPUT_UNWRITABLE',
      message: `The sweep's journal '${this.path}' cannot be written: ${describeThrown(cause)}.`,
      hint: 'Make room or check the permissions, then run the same command with --resume: what is in the journal is kept.',
      at: { file: this.path, option: '--report' },
      cause,
    });
  }
}

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BitwrightError, describeThrown } from '@bitwright/core';
import type { SpillSpace, SpillTicket } from '../sequential/activation-store.js';

/** A spill space in a temporary file of its own, which is gone after `close`. @throws SPILL_FAILED when the disk refuses. */
export function openSpillFile(): SpillSpace {
  const folder = mkdtempSync(join(tmpdir(), 'bitwright-'));
  const path = join(folder, 'activations');
  const file = openSync(path, 'w+');
  const free = new Map<number, number[]>();
  let end = 0;
  return {
    write(bytes) {
      const offset = free.get(bytes.byteLength)?.pop() ?? end;
      if (offset === end) end += bytes.byteLength;
      whole((done) => writeSync(file, bytes, done, bytes.byteLength - done, offset + done), bytes.byteLength);
      return { offset, length: bytes.byteLength };
    },
    read({ offset, length }) {
      const bytes = new Uint8Array(length);
      whole((done) => readSync(file, bytes, done, length - done, offset + done), length);
      return bytes;
    },
    free({ offset, length }: SpillTicket) {
      free.set(length, [...(free.get(length) ?? []), offset]);
    },
    close() {
      closeSync(file);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function whole(step: (done: number) => number, length: number): void {
  try {
    for (let done = 0; done < length; ) {
      const moved = step(done);
      if (moved === 0) throw new Error('the file ended early');
      done += moved;
    }
  } catch (thrown) {
    throw new BitwrightError({
      code: 'SPILL_FAILED',
      message: `Activations could not be kept in a temporary file: ${describeThrown(thrown)}.`,
      hint: 'Make room in the temporary folder (TMPDIR), give more --memory, or use fewer samples.',
      cause: thrown,
    });
  }
}

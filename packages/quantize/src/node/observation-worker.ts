import { type MessagePort, parentPort } from 'node:worker_threads';
import { DenseTensor, packError } from '@bitwright/core';
import { openOrtNode } from '@bitwright/runtime';
import { LocalShard } from '../observation-shard.js';
import { FLOAT_MODEL_SESSION } from '../observe.js';
import type { FromObserver, ToObserver } from './observation-messages.js';

// one message after the other, so that the answers come in their order
let busy: Promise<LocalShard | undefined> = Promise.resolve(undefined);

function listen(port: MessagePort): void {
  port.on('message', (message: ToObserver) => {
    busy = busy.then((shard) => answer(port, shard, message));
  });
}

/** @returns the shard that the next message is for. */
async function answer(
  port: MessagePort,
  shard: LocalShard | undefined,
  message: ToObserver,
): Promise<LocalShard | undefined> {
  const post = (said: FromObserver, transfer: ArrayBuffer[] = []): void => port.postMessage(said, transfer);
  try {
    if (message.kind === 'open') {
      const opened = await openOrtNode(message.model, { ...FLOAT_MODEL_SESSION, name: message.name });
      post({ kind: 'done' });
      return new LocalShard(opened);
    }
    if (message.kind === 'batch') {
      const inputs = new Map(
        message.inputs.map(([name, dtype, dims, data]) => [name, new DenseTensor(dtype, dims, data)]),
      );
      await shard!.observe({ inputs, size: message.size }, message.fetches);
      post({ kind: 'done' });
      return shard;
    }
    const tensors = [...shard!.statistics].map(([name, held]) => [name, held.toState()] as const);
    post(
      { kind: 'statistics', tensors },
      tensors.flatMap(([, { histogram }]) => [
        histogram.counts.buffer,
        ...(histogram.spilled === undefined ? [] : [histogram.spilled.buffer]),
      ]),
    );
  } catch (thrown) {
    post({ kind: 'failed', error: packError(thrown) });
  }
  return shard;
}

if (parentPort !== null) listen(parentPort);

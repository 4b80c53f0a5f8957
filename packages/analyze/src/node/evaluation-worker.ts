import { parentPort } from 'node:worker_threads';
import { packError } from '@bitwright/core';
import { openOrtNode } from '@bitwright/runtime';
import { evaluateShard } from '../sweep/evaluate-shard.js';
import type { Shard } from '../sweep/held-samples.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

// only the newest shard is held: its samples lie in memory that all threads share
let held: Shard | undefined;

parentPort?.on('message', async (message: ToWorker) => {
  const { job, shard, stop } = message;
  if (shard !== undefined) held = shard;
  const post = (answer: FromWorker): void => parentPort!.postMessage(answer);
  try {
    const scores = await evaluateShard(job, held!, openOrtNode, {
      onSamples: (count) => post({ kind: 'samples', count }),
      stopped: () => Atomics.load(stop, 0) !== 0,
    });
    const { correct, ...rest } = scores;
    post({ kind: 'done', scores: rest, correct: correct.bytes });
  } catch (thrown) {
    post({ kind: 'failed', error: packError(thrown) });
  }
});

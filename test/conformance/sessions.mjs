import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decodeTensor } from '@bitwright/onnx';
import * as ort from 'onnxruntime-node';
import { ATTEMPTS, feedsFor } from './feeds.mjs';

/** The model's own inputs, else the first seeded ones that it runs on. */
export async function firstThatRuns(session, given) {
  if (given !== undefined) return { feeds: given, expected: await run(session, given) };
  let last;
  for (const attempt of ATTEMPTS) {
    const feeds = feedsFor(session, attempt);
    if (typeof feeds === 'string') return { feeds };
    last = { feeds, expected: await run(session, feeds) };
    if (last.expected.outputs !== undefined) return last;
  }
  return last;
}

export async function open(bytes, path, graphOptimizationLevel = 'basic') {
  try {
    const data = externalFiles(path);
    return {
      session: await ort.InferenceSession.create(bytes, {
        graphOptimizationLevel,
        logSeverityLevel: 4,
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        ...(data.length > 0 && { externalData: data }),
      }),
    };
  } catch (thrown) {
    return { reason: String(thrown.message).split('\n')[0] };
  }
}

/** Files beside the model that it may keep tensors in. */
function externalFiles(path) {
  return readdirSync(dirname(path))
    .filter((name) => /\.(bin|data|weights|tensor\w*)$/.test(name))
    .map((name) => ({ path: name, data: readFileSync(join(dirname(path), name)) }));
}

export async function run(session, feeds) {
  try {
    return { outputs: { ...(await session.run(feeds)) } };
  } catch (thrown) {
    return { failed: String(thrown.message ?? thrown).split('\n')[0] };
  }
}

/** The inputs that come with the model; undefined where it has none, or some that are no tensors. */
export function givenInputs(path, session) {
  const folder = join(dirname(path), 'test_data_set_0');
  if (!existsSync(folder)) return undefined;
  const feeds = {};
  for (const [i, name] of session.inputNames.entries()) {
    const file = join(folder, `input_${i}.pb`);
    if (!existsSync(file)) return undefined;
    const tensor = tensorOf(readFileSync(file));
    if (tensor === undefined) return undefined;
    feeds[name] = tensor;
  }
  return feeds;
}

const TYPES = { float: 'float32', double: 'float64' };

function tensorOf(bytes) {
  try {
    const { dtype, dims, ...tensor } = Object.assign(Object.create(null), describe(decodeTensor(bytes)));
    const data = dtype === 'string' ? tensor.data.map((text) => Buffer.from(text).toString()) : tensor.data;
    return new ort.Tensor(TYPES[dtype] ?? dtype, data, dims);
  } catch {
    return undefined;
  }
}

function describe(tensor) {
  return { dtype: tensor.dtype, dims: tensor.dims, data: tensor.data() };
}

import {
  BitwrightError,
  DenseTensor,
  type DType,
  describeThrown,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import type { Executor, ExecutorOptions } from '@bitwright/runtime';
import * as ort from 'onnxruntime-web';

const TYPES: Readonly<Record<string, DType>> = { float32: 'float', float64: 'double', float16: 'float16' };
const TO_ORT = new Map(Object.entries(TYPES).map(([type, dtype]) => [dtype, type]));

// One thread needs no workers and no shared memory, which is what makes it run in any process.
ort.env.wasm.numThreads = 1;
ort.env.wasm.proxy = false;
ort.env.logLevel = 'fatal';

/**
 * Opens a model in onnxruntime-web's WebAssembly build, in this process: Node finds the module and its .wasm file by the
 * package's export conditions.
 *
 * @throws RUNTIME_LOAD_FAILED when the runtime refuses the model.
 */
export async function openOrtWeb(model: Uint8Array, options: ExecutorOptions = {}): Promise<Executor> {
  const name = options.name ?? 'the model';
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, sessionOptions(options));
  } catch (thrown) {
    throw failure('RUNTIME_LOAD_FAILED', `onnxruntime-web does not load '${name}'`, thrown);
  }
  return {
    inputs: session.inputMetadata.map((meta) => ({
      name: meta.name,
      dtype: dtypeOf(meta.isTensor ? meta.type : 'float32'),
      shape: meta.isTensor
        ? meta.shape.map((dim) => (dim === -1 || dim === '' ? undefined : dim))
        : undefined,
    })),
    outputNames: session.outputNames,
    async run(feeds, fetches = session.outputNames) {
      const named = Object.fromEntries([...feeds].map(([key, tensor]) => [key, toOrt(tensor)]));
      let results: ort.InferenceSession.OnnxValueMapType;
      try {
        results = await session.run(named, [...fetches]);
      } catch (thrown) {
        throw failure('RUNTIME_RUN_FAILED', `onnxruntime-web failed while running '${name}'`, thrown);
      }
      return new Map(fetches.map((key) => [key, fromOrt(results[key] as ort.Tensor)]));
    },
    release: () => session.release(),
  };
}

function sessionOptions({ mode }: ExecutorOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ['wasm'],
    logSeverityLevel: 4,
    graphOptimizationLevel: 'all',
    ...(mode === 'faithful' && {
      extra: {
        session: { disable_quant_qdq: '1' },
        optimization: { disable_specified_optimizers: 'ReluQuantRewrite;ClipQuantRewrite' },
      },
    }),
  };
}

function toOrt(tensor: Tensor): ort.Tensor {
  const type = (TO_ORT.get(tensor.dtype) ?? tensor.dtype) as ort.Tensor.Type;
  return new ort.Tensor(type, tensor.data() as ort.Tensor.DataType, tensor.dims);
}

function fromOrt({ type, dims, data }: ort.Tensor): Tensor {
  return new DenseTensor(dtypeOf(type), dims, data as unknown as TensorData);
}

function dtypeOf(type: string): DType {
  return TYPES[type] ?? (type as DType);
}

function failure(code: string, message: string, cause: unknown): BitwrightError {
  const text = `${message}: ${describeThrown(cause).split('\n')[0]}`;
  return new BitwrightError({ code, message: text, hint: 'The message above is its own.', cause });
}

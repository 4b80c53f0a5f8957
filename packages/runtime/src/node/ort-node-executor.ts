import {
  BitwrightError,
  DenseTensor,
  type DType,
  describeThrown,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import type { InputSpec } from '@bitwright/data';
import { nearestOperator } from '@bitwright/rewrite';
import type * as Ort from 'onnxruntime-node';
import type { Executor, ExecutorOptions } from '../executor.js';

/** Optimizers that change what a fake-quantized graph computes (numerics, runtime trap 5). */
const REWRITING_OPTIMIZERS = 'ReluQuantRewrite;ClipQuantRewrite';

const ORT_TYPES: Readonly<Record<string, DType>> = {
  float32: 'float',
  float64: 'double',
  uint8: 'uint8',
  int8: 'int8',
  uint16: 'uint16',
  int16: 'int16',
  int32: 'int32',
  uint32: 'uint32',
  int64: 'int64',
  uint64: 'uint64',
  bool: 'bool',
  string: 'string',
  float16: 'float16',
};

const TO_ORT = new Map(Object.entries(ORT_TYPES).map(([ort, dtype]) => [dtype, ort]));

/**
 * Opens a model in onnxruntime-node.
 *
 * @throws RUNTIME_UNSUPPORTED_OPERATOR when the runtime has no kernel for an operator, RUNTIME_LOAD_FAILED otherwise.
 */
export async function openOrtNode(model: Uint8Array, options: ExecutorOptions = {}): Promise<Executor> {
  const ort = await import('onnxruntime-node');
  let session: Ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, sessionOptions(options));
  } catch (thrown) {
    throw loadError(thrown, options.name ?? 'the model');
  }
  return new OrtNodeExecutor(ort, session, options.name ?? 'the model');
}

function sessionOptions(options: ExecutorOptions): Ort.InferenceSession.SessionOptions {
  const session = {
    ...(options.idleThreadsSleep === true && { intra_op: { allow_spinning: '0' } }),
    ...(options.mode === 'faithful' && { disable_quant_qdq: '1' }),
  };
  return {
    logSeverityLevel: 4,
    graphOptimizationLevel: 'all',
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    ...(options.optimizedModelPath !== undefined && { optimizedModelFilePath: options.optimizedModelPath }),
    extra: {
      session,
      ...(options.mode === 'faithful' && {
        optimization: { disable_specified_optimizers: REWRITING_OPTIMIZERS },
      }),
    },
  };
}

class OrtNodeExecutor implements Executor {
  readonly inputs: readonly InputSpec[];
  readonly outputNames: readonly string[];

  constructor(
    private readonly ort: typeof Ort,
    private readonly session: Ort.InferenceSession,
    private readonly name: string,
  ) {
    this.inputs = session.inputMetadata.map((meta) => ({
      name: meta.name,
      dtype: meta.isTensor ? (ORT_TYPES[meta.type] ?? 'float') : 'float',
      shape: meta.isTensor
        ? meta.shape.map((dim) => (dim === -1 || dim === '' ? undefined : dim))
        : undefined,
    }));
    this.outputNames = session.outputNames;
  }

  async run(
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[] = this.outputNames,
  ): Promise<Map<string, Tensor>> {
    const named: Record<string, Ort.Tensor> = {};
    for (const [name, tensor] of feeds) named[name] = this.#toOrt(tensor);
    let results: Ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.session.run(named, [...fetches]);
    } catch (thrown) {
      throw new BitwrightError({
        code: 'RUNTIME_RUN_FAILED',
        message: `ONNX Runtime failed while running ${this.name}: ${firstLine(thrown)}`,
        hint: 'Check that the data card gives the shapes that the model wants; run the float model on the same data first.',
        at: { file: this.name },
        cause: thrown,
      });
    }
    return new Map(fetches.map((name) => [name, fromOrt(results[name] as Ort.Tensor)]));
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  #toOrt(tensor: Tensor): Ort.Tensor {
    const type = TO_ORT.get(tensor.dtype);
    if (type === undefined) {
      throw new BitwrightError({
        code: 'RUNTIME_DTYPE',
        message: `onnxruntime-node takes no ${tensor.dtype} tensors.`,
        hint: 'Feed another element type.',
      });
    }
    return new this.ort.Tensor(type as Ort.Tensor.Type, tensor.data() as Ort.Tensor.DataType, tensor.dims);
  }
}

function fromOrt(tensor: Ort.Tensor): Tensor {
  return new DenseTensor(
    ORT_TYPES[tensor.type] ?? 'float',
    tensor.dims,
    tensor.data as unknown as TensorData,
  );
}

function loadError(thrown: unknown, name: string): BitwrightError {
  const text = describeThrown(thrown);
  const operator =
    /No Op registered for (\S+)/.exec(text)?.[1] ??
    /(\S+) is not a registered function\/op/.exec(text)?.[1] ??
    /Could not find an implementation for (\S+)/.exec(text)?.[1];
  if (operator !== undefined) {
    return new BitwrightError({
      code: 'RUNTIME_UNSUPPORTED_OPERATOR',
      message: `ONNX Runtime has no kernel for the operator ${operator} in '${name}': ${firstLine(thrown)}`,
      hint: `${misspelt(operator)}Calibration runs the float model, so each of its operators must run: export it with standard ONNX operators, or cut this part off.`,
      at: { file: name, node: operator },
      cause: thrown,
    });
  }
  return new BitwrightError({
    code: 'RUNTIME_LOAD_FAILED',
    message: `ONNX Runtime does not load '${name}': ${firstLine(thrown)}`,
    hint: 'The file is not a valid model for this runtime; the message above is its own.',
    at: { file: name },
    cause: thrown,
  });
}

/** What a misspelt operator of the standard set was meant to be, as the begin of a hint. */
function misspelt(operator: string): string {
  const name = operator.replace(/^:|\(.*$/g, '');
  const meant = /[.:]/.test(name) ? undefined : nearestOperator(name);
  return meant === undefined ? '' : `Did you mean '${meant}'? `;
}

function firstLine(thrown: unknown): string {
  return describeThrown(thrown).split('\n')[0]!.trim();
}

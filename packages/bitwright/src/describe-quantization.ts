import {
  certifyGraphs,
  describeVariant,
  openOptimized,
  packedBytes,
  type ReportVariant,
} from '@bitwright/analyze';
import { captureModel } from '@bitwright/capture';
import type { SampleSource } from '@bitwright/data';
import type { GraphModule } from '@bitwright/graph';
import { formatBits } from '@bitwright/quantize';
import { type OpenExecutor, openOrtNode } from '@bitwright/runtime';
import { versions } from './node/versions.js';
import type { QuantizeResult } from './quantize.js';
import { liftModel } from './requantize.js';
import type { SharedWork } from './shared-work.js';

/** A quantization that a report is to describe. */
export interface QuantizationSubject {
  /** The path of the float model. */
  readonly path: string;
  readonly result: QuantizeResult;
  /** The float model that the quantization began with. */
  readonly float: GraphModule;
  readonly shared: SharedWork;
  /** Some calibration samples, on which the noise of each layer is measured. */
  readonly data: SampleSource;
}

/** What a report shows of a quantization, apart from how it was counted. */
export interface DescribedQuantization {
  readonly variant: ReportVariant;
  /** Bytes of the parameters with codes packed to their widths. */
  readonly packedBytes: number;
}

/** The few samples of a report are run soonest by one thread, and give the same figures on any number of cores. */
const openOnOneThread: OpenExecutor = (model, options) => openOrtNode(model, { ...options, threads: 1 });

/** Measures and describes a quantization: its layers and tensors, their noise, what promotions buy, the kernels that run it. */
export async function describeQuantization(subject: QuantizationSubject): Promise<DescribedQuantization> {
  const { path, result, float, shared, data } = subject;
  const file = captureModel(result.bytes, { name: path });
  const quantized = captureModel(result.bytes, { name: path });
  liftModel(quantized, path);
  const { executor, optimized } = await openOptimized(result.bytes, { name: path, threads: 1 });
  await executor.release();
  const runtime = `onnxruntime-node ${versions().onnxruntime}, CPU`;
  const variant = await describeVariant({
    bits: formatBits(result.bits),
    scheme: result.scheme,
    method: result.method,
    backend: result.backend,
    dialect: result.dialect,
    samples: result.samples,
    layers: result.layers,
    diagnostics: result.diagnostics,
    float,
    file,
    quantized,
    fileBytes: result.bytes.length,
    certificate: certifyGraphs({ path, file, optimized, runtime }),
    observed: (tensor) => shared.histogramOf(tensor),
    data,
    open: openOnOneThread,
  });
  return { variant, packedBytes: packedBytes(quantized) };
}

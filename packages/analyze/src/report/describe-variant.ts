import { type Diagnostic, elementCount } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { constantTensor, type GraphModule, isQuantizer, qparamsOf } from '@bitwright/graph';
import type { FloatHistogram } from '@bitwright/quantize';
import type { OpenExecutor } from '@bitwright/runtime';
import type { CertificateDocument } from '../certify/certificate-document.js';
import { describeLayers, type LayerFacts } from './describe-layers.js';
import { describeTensors } from './describe-tensors.js';
import { type LayerNoise, layerNoise } from './layer-noise.js';
import { bestPromotions } from './promotions.js';
import type { ReportVariant } from './report-document.js';

const CANDIDATES = 8;

/** A quantization to be described. */
export interface VariantSubject {
  readonly bits: string;
  readonly scheme: string;
  readonly method: string;
  readonly backend: string;
  readonly dialect: string;
  /** Calibration samples. */
  readonly samples: number;
  readonly layers: readonly LayerFacts[];
  readonly diagnostics: readonly Diagnostic[];
  /** The float model behind the passes. */
  readonly float: GraphModule;
  /** The quantized file as captured, and its graph in the private dialect. */
  readonly file: GraphModule;
  readonly quantized: GraphModule;
  readonly fileBytes: number;
  readonly certificate?: CertificateDocument;
  readonly observed: (tensor: string) => FloatHistogram | undefined;
  /** Some samples, for the noise of the layers. */
  readonly data: SampleSource;
  readonly open: OpenExecutor;
}

/** Everything that the report shows of one quantization, but for its accuracy. */
export async function describeVariant(subject: VariantSubject): Promise<ReportVariant> {
  const { float, quantized, file, data, open } = subject;
  const names = subject.layers.map(({ name }) => name);
  const noise = await layerNoise({ float, quantized, file, names, data, open });
  const { observed } = subject;
  const candidates = noisiest(noise);
  const promotions = await bestPromotions({ float, quantized, candidates, observed, data, open });
  const { bits, scheme, method, backend, dialect, samples, certificate } = subject;
  return {
    ...{ bits, scheme, method, backend, dialect, samples },
    layers: describeLayers(quantized.graph, float.graph, subject.layers, noise),
    tensors: describeTensors(quantized.graph, observed),
    promotions,
    ...(certificate && { certificate }),
    sizes: [
      { storage: 'float32 parameters', bytes: floatBytes(float) },
      { storage: 'file as written', bytes: subject.fileBytes },
      { storage: 'codes packed to their widths', bytes: packedBytes(quantized) },
    ],
    diagnostics: toldOf(subject.diagnostics),
  };
}

/** Diagnostics as a report shows them. */
export function toldOf(diagnostics: readonly Diagnostic[]): ReportVariant['diagnostics'] {
  return diagnostics.map(({ code, severity, message, hint, at }) => ({
    ...{ code, severity, message },
    ...(hint !== undefined && { hint }),
    at,
  }));
}

/** The layers that lose most by themselves: only of these promotion is tried. */
function noisiest(noise: ReadonlyMap<string, LayerNoise>): string[] {
  const own = ({ output }: LayerNoise): number => output.isolated?.all ?? Number.POSITIVE_INFINITY;
  return [...noise.entries()]
    .sort(([, a], [, b]) => own(a) - own(b))
    .slice(0, CANDIDATES)
    .map(([name]) => name);
}

function floatBytes({ graph }: GraphModule): number {
  let bytes = 0;
  for (const node of graph.nodes())
    if (node.kind === 'get_attr' && node.tensor.dtype === 'float')
      bytes += 4 * elementCount(node.tensor.dims);
  return bytes;
}

/** Codes at their widths, scales as float32 and zero points as one byte each; what is float stays 4 bytes an element. */
export function packedBytes({ graph }: GraphModule): number {
  let bytes = 0;
  const counted = new Set<unknown>();
  for (const node of graph.ops()) {
    if (!isQuantizer(node)) continue;
    const { bits, scale, zeroPoint } = qparamsOf(node);
    bytes += 4 * scale.length + zeroPoint.length;
    for (const value of node.inputs) counted.add(value?.producer);
    const tensor = constantTensor(node.inputs[0]);
    if (tensor !== undefined) bytes += Math.ceil((elementCount(tensor.dims) * bits) / 8);
  }
  for (const node of graph.nodes())
    if (node.kind === 'get_attr' && !counted.has(node) && node.tensor.dtype === 'float')
      bytes += 4 * elementCount(node.tensor.dims);
  return bytes;
}

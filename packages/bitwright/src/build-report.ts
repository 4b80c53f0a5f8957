import {
  describeGraph,
  type ParetoPoint,
  type ReportDocument,
  type ReportModel,
  type ReportVariant,
  type SweepDocument,
  toldOf,
} from '@bitwright/analyze';
import type { Diagnostic } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { formatBits } from '@bitwright/quantize';
import { budgetPoints, type WrittenPoint } from './budget-points.js';
import { type DescribedQuantization, describeQuantization } from './describe-quantization.js';
import { explainModel } from './explain-model.js';
import { versions } from './node/versions.js';
import type { QuantizeResult } from './quantize.js';
import type { SharedWork } from './shared-work.js';

/** A quantization to be shown in detail, with the work that it shares with others of its model. */
export interface ReportedVariant {
  readonly result: QuantizeResult;
  readonly accuracy?: { readonly correct: number; readonly total: number };
  /** What is told beside what the quantization itself told. */
  readonly diagnostics?: readonly Diagnostic[];
  /** Where it was described already, e.g. while others of a sweep were counted. */
  readonly described?: Promise<DescribedQuantization>;
}

/** A model to be reported. */
export interface ReportedModel {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly float?: { readonly correct: number; readonly total: number };
  readonly variants: readonly ReportedVariant[];
  /** The points of a budget's front that were quantized. */
  readonly front?: readonly WrittenPoint[];
  readonly shared: SharedWork;
  /** Some samples, on which the noise of each layer is measured; calibration samples, never evaluation ones. */
  readonly data: SampleSource;
}

/** What stands in a report beside its models. */
export interface ReportFrame {
  readonly title: string;
  readonly command: string;
  readonly data: ReportDocument['reproduce']['data'];
  readonly sweep?: SweepDocument;
}

/** The report's document: what the page is made from, and its JSON twin. */
export async function buildReport(
  models: readonly ReportedModel[],
  frame: ReportFrame,
): Promise<ReportDocument> {
  const described: ReportModel[] = [];
  for (const model of models) described.push(await describeModel(model));
  return {
    kind: 'bitwright.report',
    version: 1,
    title: frame.title,
    reproduce: {
      command: frame.command,
      versions: versions(),
      models: models.map(({ path, sha256 }) => ({ path, sha256 })),
      data: frame.data,
    },
    ...(frame.sweep && { sweep: frame.sweep }),
    models: described,
  };
}

async function describeModel(model: ReportedModel): Promise<ReportModel> {
  const { path, sha256, bytes, float } = model;
  const variants: ReportVariant[] = [];
  const points: ParetoPoint[] = [];
  for (const variant of model.variants) {
    const described = await describe(model, variant);
    variants.push(described.variant);
    points.push(described.point);
    const { budget } = variant.result;
    if (budget !== undefined) points.push(...budgetPoints(budget, described.point.bytes, model.front));
  }
  const explanations = explainModel(model.shared);
  return {
    name: path
      .split(/[\\/]/)
      .at(-1)!
      .replace(/\.onnx$/i, ''),
    ...{ path, sha256, bytes },
    ...(float && { float }),
    ...describeGraph(model.shared.floatModel().graph),
    ...(explanations && { explanations }),
    variants,
    pareto: points,
  };
}

async function describe(
  { path, shared, data }: ReportedModel,
  { result, accuracy, diagnostics = [], described }: ReportedVariant,
): Promise<{ readonly variant: ReportVariant; readonly point: ParetoPoint }> {
  const subject = { path, result, float: shared.floatModel(), shared, data };
  const { variant, packedBytes } = await (described ?? describeQuantization(subject));
  return {
    variant: {
      ...variant,
      ...(accuracy && { accuracy }),
      diagnostics: [...variant.diagnostics, ...toldOf(diagnostics)],
    },
    point: {
      label: result.budget?.asked ?? formatBits(result.bits),
      bytes: packedBytes,
      ...accuracy,
      mixed: result.budget !== undefined,
      ...bopsOf(variant),
    },
  };
}

/** Bit operations a sample: multiplications x weight bits x input bits; absent where a layer's multiplications are not known. */
function bopsOf({ layers, tensors }: ReportVariant): { readonly bops?: number } {
  const widths = new Map(tensors.map(({ name, bits }) => [name, bits]));
  let bops = 0;
  for (const { macs, weights, input, opType } of layers) {
    if (!['Conv', 'Gemm', 'MatMul'].includes(opType)) continue;
    if (macs === undefined) return {};
    bops += macs * (weights?.bits ?? 32) * (widths.get(input ?? '') ?? 32);
  }
  return { bops };
}

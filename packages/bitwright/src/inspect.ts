import { type Diagnostic, elementCount } from '@bitwright/core';
import type { Dim, GraphModule, Value } from '@bitwright/graph';
import { prepare, QConfigResolver } from '@bitwright/quantize';
import { diagnoseFile } from './diagnose-model.js';
import { type FloatPassReport, runFloatPasses } from './float-passes.js';
import { type LayerReport, reportLayers } from './layer-report.js';
import { conventionOf } from './metadata.js';
import { assertFloatModel, loadModel, type ModelInput, modelName } from './model-file.js';
import { type NodeFate, nodeFates } from './node-fates.js';
import { type QuantizeOptions, resolveOptions } from './quantize-options.js';

/** What is shown of a model's input or output. */
export interface ValueReport {
  readonly name: string;
  readonly dtype: string | undefined;
  readonly shape: readonly Dim[] | undefined;
}

/** What is in a model, what would be quantized, and what would stay float and why. */
export interface Inspection {
  readonly path: string;
  readonly irVersion: number;
  readonly opset: number;
  readonly producer: string;
  readonly convention: string;
  readonly inputs: readonly ValueReport[];
  readonly outputs: readonly ValueReport[];
  readonly operators: Readonly<Record<string, number>>;
  readonly parameters: number;
  /** The plan for a float model; empty for one that is quantized already. */
  readonly layers: readonly LayerReport[];
  /** What becomes of every operator of the file, and why; empty like `layers`. */
  readonly nodes: readonly NodeFate[];
  readonly fusions: FloatPassReport['applied'];
  readonly rejected: FloatPassReport['rejected'];
  /** Usual mistakes that the graph of a quantized file shows, and what of it can't be read. */
  readonly diagnostics: readonly Diagnostic[];
  /** The model after the passes, with quantizers, for --ir. */
  readonly module: GraphModule;
}

/** The table and widths that the plan is made for. */
export type InspectOptions = Partial<Pick<QuantizeOptions, 'bits' | 'backend' | 'scheme' | 'plugins'>>;

/** Looks at a model without running it: never loads ONNX Runtime. */
export function inspect(model: ModelInput, options: InspectOptions = {}): Inspection {
  const { bits = '8', ...rest } = options;
  const resolved = resolveOptions({ bits, ...rest });
  const module = loadModel(model);
  const facts = factsOf(module, modelName(model));
  if (facts.convention !== 'float')
    return {
      ...facts,
      layers: [],
      nodes: [],
      fusions: [],
      rejected: [],
      diagnostics: diagnoseFile(module),
      module,
    };
  assertFloatModel(module, modelName(model));
  const passes = runFloatPasses(module, 13, resolved.extensions);
  const prepared = prepare(module, resolved.backend, new QConfigResolver(resolved.qconfig));
  return {
    ...facts,
    layers: reportLayers(prepared),
    nodes: nodeFates(passes.captured, prepared),
    fusions: passes.applied,
    rejected: passes.rejected,
    diagnostics: [],
    module,
  };
}

function factsOf(
  module: GraphModule,
  path: string,
): Omit<Inspection, 'layers' | 'nodes' | 'fusions' | 'rejected' | 'diagnostics' | 'module'> {
  const operators: Record<string, number> = {};
  for (const node of module.graph.allOps()) {
    const key = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
    operators[key] = (operators[key] ?? 0) + 1;
  }
  let parameters = 0;
  for (const node of module.graph.nodes())
    if (node.kind === 'get_attr') parameters += elementCount(node.tensor.dims);
  return {
    path,
    irVersion: module.irVersion,
    opset: module.opset,
    producer: `${module.producerName} ${module.producerVersion}`.trim(),
    convention: conventionOf(module),
    inputs: module.graph.inputs.map(describeValue),
    outputs: module.graph.outputs.map(describeValue),
    operators,
    parameters,
  };
}

function describeValue(value: Value): ValueReport {
  return { name: value.name, dtype: value.dtype, shape: value.shape };
}

import { captureModel } from '@bitwright/capture';
import { BitwrightError } from '@bitwright/core';
import { readFileBytes, siblingFiles } from '@bitwright/core/node';
import type { InputSpec } from '@bitwright/data';
import { type GraphModule, nodeName } from '@bitwright/graph';

/** A model as a user gives it: the path of a file, or its bytes. */
export type ModelInput = string | Uint8Array;

/** How a model calls itself in messages. */
export function modelName(model: ModelInput): string {
  return typeof model === 'string' ? model : 'the model';
}

/** The bytes of a model. @throws FILE_ABSENT, FILE_IS_DIRECTORY, FILE_UNREADABLE. */
export function modelBytes(model: ModelInput): Uint8Array {
  return typeof model === 'string' ? readFileBytes(model) : model;
}

/** Reads a model into the graph. @throws the coded errors of reading and capturing. */
export function loadModel(model: ModelInput): GraphModule {
  const name = modelName(model);
  const resolveExternal = typeof model === 'string' ? siblingFiles(model) : undefined;
  return captureModel(modelBytes(model), { name, ...(resolveExternal && { resolveExternal }) });
}

/** What data must fill: the model's inputs without defaults. */
export function inputSpecs(module: GraphModule): InputSpec[] {
  return module.graph.inputs.map((value) => ({
    name: value.name,
    dtype: value.dtype ?? 'float',
    shape: value.shape,
  }));
}

const QUANTIZED_OPERATORS = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
  'QLinearConv',
  'QLinearMatMul',
  'ConvInteger',
  'MatMulInteger',
  'Quant',
  'IntQuant',
  'BipolarQuant',
  'QLinearAdd',
  'QGemm',
  'MatMulNBits',
]);

/** @throws MODEL_ALREADY_QUANTIZED naming the first operator that shows it. */
export function assertFloatModel(module: GraphModule, name: string): void {
  for (const node of module.graph.allOps()) {
    if (!QUANTIZED_OPERATORS.has(node.opType)) continue;
    throw new BitwrightError({
      code: 'MODEL_ALREADY_QUANTIZED',
      message: `'${name}' is quantized already: '${nodeName(node)}' is a ${node.opType}.`,
      hint: 'Start from the float model, or ask for --requantize.',
      at: { file: name, node: nodeName(node) },
    });
  }
}

import type { OpNode } from '@bitwright/graph';

/** The operators of the standard set that have a gradient here. Round passes it straight through. */
export const DIFFERENTIABLE = [
  'Abs',
  'Add',
  'AveragePool',
  'Clip',
  'Concat',
  'Conv',
  'Div',
  'Exp',
  'Flatten',
  'Gemm',
  'GlobalAveragePool',
  'HardSigmoid',
  'HardSwish',
  'Identity',
  'LeakyRelu',
  'Log',
  'LogSoftmax',
  'MatMul',
  'MaxPool',
  'Mul',
  'Neg',
  'Pad',
  'Pow',
  'ReduceMean',
  'ReduceSum',
  'Relu',
  'Reshape',
  'Round',
  'Sigmoid',
  'Slice',
  'Softmax',
  'Sqrt',
  'Squeeze',
  'Sub',
  'Sum',
  'Tanh',
  'Transpose',
  'Unsqueeze',
] as const;

/** One of {@link DIFFERENTIABLE}. */
export type DifferentiableOp = (typeof DIFFERENTIABLE)[number];

const KNOWN: ReadonlySet<string> = new Set(DIFFERENTIABLE);

/** True for an operator whose gradient is known, forms that its rule refuses aside. */
export function isDifferentiable(node: OpNode): boolean {
  return node.domain === '' && KNOWN.has(node.opType);
}

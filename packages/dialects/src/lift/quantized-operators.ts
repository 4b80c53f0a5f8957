import type { OpNode } from '@bitwright/graph';

const QLINEAR =
  /^(QLinear\w+|QGemm|QAttention|QEmbedLayerNormalization|\w+Integer|\w+IntegerToFloat|DynamicQuantize\w+)$/;

/** True for an operator of a quantized file: it makes codes, reads them, or computes with them. */
export function isQuantizedOperator(node: OpNode): boolean {
  const { domain, opType } = node;
  if (domain === 'ai.bitwright') return false;
  return (
    isQOperator(node) ||
    isQuantNode(node) ||
    /^(Q|Deq)uantizeLinear$/i.test(opType) ||
    opType === 'MatMulNBits'
  );
}

/** True for an operator that computes with codes. */
export function isQOperator({ opType }: OpNode): boolean {
  return QLINEAR.test(opType);
}

/** True for one of QONNX's quantizers. */
export function isQuantNode({ domain, opType }: OpNode): boolean {
  return (
    domain !== '' &&
    domain !== 'ai.bitwright' &&
    /^(Quant|IntQuant|BipolarQuant|FloatQuant|Trunc)$/.test(opType)
  );
}

import type { GetAttrNode } from '@bitwright/graph';
import { anyValue, constant, defineRule, op, optional, readNumber } from '@bitwright/rewrite';

/**
 * Clip(x, 0, infinity) = Relu(x). A Clip with a finite upper bound (ReLU6) stays a Clip.
 *
 * No upper bound, infinity, or the largest float32 all mean none: no finite float32 lies above.
 */
export const replaceClipByRelu = defineRule({
  name: 'replace-clip-by-relu',
  match: op(
    'Clip',
    anyValue.dtype('float').as('x'),
    constant.scalar(0),
    optional(constant.where(isUnbounded, 'no finite upper bound')),
  ).as('clip'),
  rewrite: ({ clip, x }, r) => {
    r.replace(clip, r.op.Relu([x]));
  },
});

const LARGEST_FLOAT = 3.4028234663852886e38;

function isUnbounded({ tensor }: GetAttrNode): boolean {
  return (readNumber(tensor) ?? 0) >= LARGEST_FLOAT;
}

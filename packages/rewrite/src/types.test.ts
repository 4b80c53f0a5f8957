import type { GetAttrNode, OpNode, Value } from '@bitwright/graph';
import { describe, expectTypeOf, it } from 'vitest';
import {
  type AnchorOf,
  anyOf,
  anyValue,
  constant,
  op,
  optional,
  sequence,
  variadic,
} from './pattern-builders.js';
import type { CapturesOf } from './pattern-types.js';

describe('pattern types', () => {
  const convBn = op(
    'BatchNormalization',
    op('Conv', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv'),
    constant.as('gamma'),
  ).as('bn');

  it('infers captures', () => {
    expectTypeOf<CapturesOf<typeof convBn>>().toEqualTypeOf<{
      readonly x: Value;
      readonly w: GetAttrNode;
      readonly b: GetAttrNode | undefined;
      readonly conv: OpNode;
      readonly gamma: GetAttrNode;
      readonly bn: OpNode;
    }>();
    expectTypeOf<AnchorOf<typeof convBn>>().toEqualTypeOf<'conv' | 'bn'>();
    const concat = op('Concat', variadic(op('Conv', anyValue.as('xs')).as('convs')));
    expectTypeOf<CapturesOf<typeof concat>>().toEqualTypeOf<{
      readonly xs: readonly Value[];
      readonly convs: readonly OpNode[];
    }>();
    const either = anyOf(op('Relu', anyValue.as('x')).as('r'), op('Clip', anyValue.as('x')));
    expectTypeOf<CapturesOf<typeof either>>().toEqualTypeOf<{
      readonly x: Value;
      readonly r: OpNode | undefined;
    }>();
    const chain = sequence(
      op('Conv').as('c'),
      op('Mul', constant.as('s')),
      op('Add', constant.as('t')).as('a'),
    );
    expectTypeOf<CapturesOf<typeof chain>>().toEqualTypeOf<{
      readonly c: OpNode;
      readonly s: GetAttrNode;
      readonly t: GetAttrNode;
      readonly a: OpNode;
    }>();
  });

  it('rejects mistakes at compile time', () => {
    const never = () => [
      // @ts-expect-error unknown operator
      op('Convolution', anyValue),
      // @ts-expect-error bound twice
      op('Add', anyValue.as('x'), anyValue.as('x')),
      // @ts-expect-error bound twice, one within
      op('Relu', anyValue.as('x')).as('x'),
      // @ts-expect-error too many inputs
      op('Relu', anyValue, anyValue),
      // @ts-expect-error misspelt attribute
      op('Conv').attributes({ groups: 1 }),
      // @ts-expect-error wrong type
      op('Conv').attributes({ group: '1' }),
    ];
    expectTypeOf(never).toBeFunction();
  });
});

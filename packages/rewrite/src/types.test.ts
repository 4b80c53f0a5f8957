import type { GetAttrNode, OpNode, Value } from '@bitwright/graph';
import { describe, expectTypeOf, it } from 'vitest';
import {
  type AnchorOf,
  anyOf,
  anyValue,
  constant,
  op,
  optional,
  resultOf,
  same,
  sequence,
  variadic,
} from './pattern-builders.js';
import type { CapturesOf } from './pattern-types.js';
import { defineRule } from './rule.js';

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

  it('rejects mistakes in chains at compile time', () => {
    const never = () => [
      sequence(op('Conv'), op('Add', constant), op('Clip', constant, constant)),
      // @ts-expect-error the member before is the first of Add's two inputs
      sequence(op('Conv'), op('Add', constant, constant)),
      // @ts-expect-error Relu has no room beside the member before it
      sequence(op('Conv'), op('Relu', constant).as('r'), op('Add', constant)),
      // @ts-expect-error bound twice
      sequence(op('Conv').as('c'), op('Relu').as('c')),
      // @ts-expect-error a chain inside of an operator without room
      op('Relu', sequence(op('Conv'), op('Relu')), constant),
    ];
    expectTypeOf(never).toBeFunction();
  });

  it('rejects names that nothing captures at compile time', () => {
    const name = 'rule';
    const rewrite = () => undefined;
    const never = () => [
      defineRule({ name, match: op('Mul', anyValue.as('x'), op('Sigmoid', same('x'))), rewrite }),
      // @ts-expect-error misspelt
      defineRule({ name, match: op('Mul', anyValue.as('x'), op('Sigmoid', same('xs'))), rewrite }),
      defineRule({
        name,
        match: op('Mul', op('Split', anyValue).as('split'), op('Sigmoid', resultOf('split', 1))),
        rewrite,
      }),
      defineRule({
        name,
        // @ts-expect-error misspelt, under a chain and an optional input
        match: sequence(op('Split').as('split'), op('Mul', optional(op('Sigmoid', resultOf('spilt', 1))))),
        rewrite,
      }),
      // @ts-expect-error it means no operator
      defineRule({ name, match: op('Mul', anyValue.as('x'), op('Sigmoid', resultOf('x', 1))), rewrite }),
      defineRule({
        name,
        // @ts-expect-error misspelt in one alternative
        match: op('Mul', anyValue.as('x'), anyOf(op('Sigmoid', same('x')), op('Relu', same('y')))),
        rewrite,
      }),
    ];
    expectTypeOf(never).toBeFunction();
    defineRule({
      name,
      match: op('Mul', anyValue.as('x'), op('Sigmoid', same('x'))).as('mul'),
      anchor: 'mul',
      rewrite: (captures) => {
        expectTypeOf(captures).toEqualTypeOf<{ readonly x: Value; readonly mul: OpNode }>();
        return undefined;
      },
    });
  });
});

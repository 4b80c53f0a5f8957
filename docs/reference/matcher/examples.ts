import {
  absent,
  anyOf,
  anyValue,
  constant,
  op,
  optional,
  resultOf,
  same,
  sequence,
  variadic,
} from 'bitwright/plugin';

/** Each pattern with the nodes of a graph that it fits and of one that it does not; w, b and two are constants. */
export const examples = [
  {
    says: 'an operator, its first inputs, a constant, an input that may be left out',
    pattern: op('Conv', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv'),
    fits: 'y = Conv(x, w)',
    misses: 'y = Conv(x, w, z)',
  },
  {
    says: 'an input that must be left out',
    pattern: op('Conv', anyValue, constant, absent),
    fits: 'y = Conv(x, w)',
    misses: 'y = Conv(x, w, b)',
  },
  {
    says: 'both orders of operators that commute',
    pattern: op('Mul', op('Relu', anyValue.as('x')), constant.scalar(2)),
    fits: 'r = Relu(x) y = Mul(two, r)',
    misses: 'r = Relu(x) y = Sub(two, r)',
  },
  {
    says: 'the same value twice',
    pattern: op('Mul', anyValue.as('x'), op('Sigmoid', same('x'))),
    fits: 's = Sigmoid(x) y = Mul(x, s)',
    misses: 's = Sigmoid(z) y = Mul(x, s)',
  },
  {
    says: 'the first alternative with which the rest fits',
    pattern: op('Relu', anyOf(op('Conv').as('layer'), op('Add').as('layer'))),
    fits: 'a = Add(x, z) y = Relu(a)',
    misses: 'a = Sub(x, z) y = Relu(a)',
  },
  {
    says: 'a chain in forward order, of any length',
    pattern: sequence(op('Conv').as('conv'), op('Add', constant.as('c')), op('Relu').as('relu')),
    fits: 'c = Conv(x, w) a = Add(c, two) y = Relu(a)',
    misses: 'c = Conv(x, w) y = Relu(c)',
  },
  {
    says: 'any number of inputs, each like a pattern',
    pattern: op('Concat', variadic(op('Relu', anyValue.as('xs')).as('relus'), { atLeast: 2 })),
    fits: 'p = Relu(x) q = Relu(z) y = Concat<axis = 1>(p, q)',
    misses: 'p = Relu(x) y = Concat<axis = 1>(p, z)',
  },
  {
    says: 'several results of one operator',
    pattern: op('Mul', op('Split', anyValue).as('split'), op('Sigmoid', resultOf('split', 1))),
    fits: 'p, q = Split<axis = 1>(x) s = Sigmoid(q) y = Mul(p, s)',
    misses: 'p, q = Split<axis = 1>(x) s = Sigmoid(p) y = Mul(q, s)',
  },
  {
    says: 'attributes, with the defaults of ONNX; a function is a condition of your own',
    pattern: op('Conv').attributes({ group: 1, auto_pad: (pad) => pad === 'NOTSET' }),
    fits: 'y = Conv(x, w)',
    misses: 'y = Conv<auto_pad = "VALID">(x, w)',
  },
  {
    says: 'element type, rank, shape (undefined: any size), elements',
    pattern: op('Mul', anyValue.dtype('float').rank(4).shape([undefined, 4, 8, 8]), constant.elements(2)),
    fits: 'y = Mul(x, two)',
    misses: 'y = Mul(x, b)',
  },
  {
    says: 'a condition of your own, and what is told where it fails',
    pattern: op(
      'Relu',
      anyValue.where(({ name }) => name === 'x' || `the name ${name}`, 'the name x'),
    ),
    fits: 'y = Relu(x)',
    misses: 'y = Relu(z)',
  },
  {
    says: 'an inner operator that others may read too: it then stays in the graph',
    pattern: op('Abs', op('Neg', anyValue.as('x')).shared()),
    fits: 'n = Neg(x) e = Exp(n) a = Abs(n) y = Add(a, e)',
    misses: 'n = Exp(x) a = Abs(n) y = Add(a, n)',
    root: 'a',
  },
] as const;

import type { OpNode } from '@bitwright/graph';

/** The error function to double precision (series near zero, continued fraction beyond; Abramowitz and Stegun 7.1.5, 7.1.14). */
export function erf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude > 6) return Math.sign(x);
  if (magnitude < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (magnitude + fraction);
  const tail = Math.exp(-magnitude * magnitude) / Math.sqrt(Math.PI) / (magnitude + fraction);
  return Math.sign(x) * (1 - tail);
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const PLAIN: Readonly<Record<string, (x: number) => number>> = {
  Sigmoid: sigmoid,
  Tanh: Math.tanh,
  Erf: erf,
  Exp: Math.exp,
  Sqrt: Math.sqrt,
  Abs: Math.abs,
  Neg: (x) => -x,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Softsign: (x) => x / (1 + Math.abs(x)),
  HardSwish: (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)),
  Mish: (x) => x * Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  Identity: (x) => x,
};

/** The function of one number that an operator computes, rounded to float32; undefined for any other operator. */
export function unaryFunction(node: OpNode): ((x: number) => number) | undefined {
  if (node.domain !== '') return undefined;
  const plain = Object.hasOwn(PLAIN, node.opType) ? PLAIN[node.opType] : parametric(node);
  return plain && ((x) => Math.fround(plain(x)));
}

function parametric(node: OpNode): ((x: number) => number) | undefined {
  const { attributes } = node;
  switch (node.opType) {
    case 'LeakyRelu': {
      const alpha = attributes.float('alpha', 0.01);
      return (x) => (x < 0 ? x * alpha : x);
    }
    case 'Elu': {
      const alpha = attributes.float('alpha', 1);
      return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
    }
    case 'Selu': {
      const alpha = attributes.float('alpha', 1.673263192176819);
      const gamma = attributes.float('gamma', 1.0507010221481323);
      return (x) => gamma * (x < 0 ? alpha * Math.expm1(x) : x);
    }
    case 'HardSigmoid': {
      const alpha = attributes.float('alpha', 0.2);
      const beta = attributes.float('beta', 0.5);
      return (x) => Math.min(1, Math.max(0, alpha * x + beta));
    }
    case 'Gelu':
      return attributes.string('approximate', 'none') === 'tanh'
        ? (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
        : (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));
    default:
      return undefined;
  }
}

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Min: Math.min,
  Max: Math.max,
};

/** The function of two numbers that an operator computes, rounded to float32; undefined for any other operator. */
export function binaryFunction(node: OpNode): ((a: number, b: number) => number) | undefined {
  if (node.domain !== '' || !Object.hasOwn(BINARY, node.opType)) return undefined;
  const plain = BINARY[node.opType]!;
  return (a, b) => Math.fround(plain(a, b));
}

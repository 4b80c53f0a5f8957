import type { Tensor } from '@bitwright/core';
import {
  constantTensor,
  Graph,
  GraphModule,
  lint,
  type OpNode,
  parseModule,
  printModule,
} from '@bitwright/graph';
import { foldConstants, foldConstantsWith, inferShapes } from '@bitwright/rewrite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { opTypes, run, tensorOf } from './support.js';

const dimsOf = (rank: number) =>
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: rank, maxLength: rank });

/** Any operator that is evaluated without a runtime, on constants that it is legal for. */
interface Case {
  readonly opType: string;
  readonly inputs: readonly Tensor[];
  readonly attributes?: Record<string, number | readonly number[] | Tensor>;
}

const ints = (dims: readonly number[], from = -5, to = 9) => {
  const count = dims.reduce((a, b) => a * b, 1);
  return fc
    .tuple(
      fc.constantFrom('int64', 'int32', 'float'),
      fc.array(fc.integer({ min: from, max: to }), { minLength: count, maxLength: count }),
    )
    .map(([dtype, values]) => tensorOf(dtype as 'int64', dims, values));
};

const list = (values: readonly number[]) => tensorOf('int64', [values.length], values);

const slices: fc.Arbitrary<Case> = fc
  .record({
    start: fc.integer({ min: -6, max: 6 }),
    end: fc.integer({ min: -9, max: 9 }),
    step: fc.constantFrom(1, 2, -1, -2),
    axis: fc.integer({ min: -2, max: 1 }),
  })
  .chain(({ start, end, step, axis }) =>
    ints([3, 5]).map((x) => ({
      opType: 'Slice',
      inputs: [x, list([start]), list([end]), list([axis]), list([step])],
    })),
  );

const gathers: fc.Arbitrary<Case> = fc
  .record({
    axis: fc.integer({ min: -2, max: 1 }),
    indices: fc.array(fc.integer({ min: -3, max: 2 }), { minLength: 1, maxLength: 4 }),
    scalar: fc.boolean(),
  })
  .chain(({ axis, indices, scalar }) =>
    ints([3, 3]).map((x) => ({
      opType: 'Gather',
      inputs: [x, scalar ? tensorOf('int64', [], [indices[0]!]) : list(indices)],
      attributes: { axis },
    })),
  );

const binaries: fc.Arbitrary<Case> = fc
  .record({
    opType: fc.constantFrom('Add', 'Sub', 'Mul', 'Div', 'Equal', 'Less', 'Greater'),
    left: dimsOf(2),
    ones: fc.tuple(fc.boolean(), fc.boolean()),
    lead: fc.boolean(),
  })
  .chain(({ opType, left, ones, lead }) => {
    const right = left.map((dim, i) => (ones[i] ? 1 : dim)).slice(lead ? 1 : 0);
    const one = (dims: readonly number[], dtype: 'int64' | 'int32' | 'float', from: number) => {
      const count = dims.reduce((a, b) => a * b, 1);
      return fc
        .array(fc.integer({ min: from, max: 9 }), { minLength: count, maxLength: count })
        .map((values) => tensorOf(dtype, dims, values));
    };
    return fc
      .constantFrom('int64', 'int32', 'float')
      .chain((dtype) =>
        fc
          .tuple(one(left, dtype as 'int64', -9), one(right, dtype as 'int64', 1))
          .map((inputs) => ({ opType, inputs })),
      );
  });

const moves: fc.Arbitrary<Case> = fc.oneof(
  fc
    .shuffledSubarray([0, 1, 2], { minLength: 3, maxLength: 3 })
    .chain((perm) =>
      ints([2, 3, 4]).map((x) => ({ opType: 'Transpose', inputs: [x], attributes: { perm } })),
    ),
  fc
    .constantFrom([6, 4], [-1, 2], [0, -1], [4, 0, -1], [2, 3, 2, 2])
    .chain((target) => ints([2, 3, 4]).map((x) => ({ opType: 'Reshape', inputs: [x, list(target)] }))),
  fc
    .integer({ min: -2, max: 2 })
    .chain((axis) => ints([2, 3, 4]).map((x) => ({ opType: 'Flatten', inputs: [x], attributes: { axis } }))),
  fc
    .constantFrom([0], [2], [-1], [0, -1], [1, 2])
    .chain((axes) => ints([2, 3]).map((x) => ({ opType: 'Unsqueeze', inputs: [x, list(axes)] }))),
  fc
    .constantFrom([0], [2], [-4], [0, 2])
    .chain((axes) => ints([1, 3, 1, 2]).map((x) => ({ opType: 'Squeeze', inputs: [x, list(axes)] }))),
  ints([1, 3, 1]).map((x) => ({ opType: 'Squeeze', inputs: [x] })),
  fc
    .integer({ min: -2, max: 1 })
    .chain((axis) => ints([2, 2]).map((x) => ({ opType: 'Concat', inputs: [x, x], attributes: { axis } }))),
  ints([2, 3]).map((x) => ({ opType: 'Expand', inputs: [x, list([4, 1, 3])] })),
);

const others: fc.Arbitrary<Case> = fc.oneof(
  fc
    .constantFrom(1, 6, 7, 9, 2, 3)
    .chain((to) => ints([4], 0, 100).map((x) => ({ opType: 'Cast', inputs: [x], attributes: { to } }))),
  ints([2, 3]).map((x) => ({ opType: 'Neg', inputs: [x] })),
  fc
    .constantFrom('Floor', 'Ceil')
    .map((opType) => ({ opType, inputs: [tensorOf('float', [3], [1.5, -1.5, 2])] })),
  fc
    .tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 9 }), fc.constantFrom(1, 2, -1, -3))
    .map(([a, b, step]) => ({
      opType: 'Range',
      inputs: [a, b, step].map((value) => tensorOf('int64', [], [value])),
    })),
  fc.integer({ min: 0, max: 3 }).map((size) => ({
    opType: 'ConstantOfShape',
    inputs: [list([size, 2])],
    attributes: { value: tensorOf('int64', [1], [7]) },
  })),
  ints([2, 3]).map((x) => ({ opType: 'Shape', inputs: [x], attributes: { start: -1 } })),
  ints([2, 3]).map((x) => ({ opType: 'Size', inputs: [x] })),
  fc.constantFrom([0, 1, 1], [1, 0, 0]).map((mask) => ({
    opType: 'Where',
    inputs: [
      tensorOf('bool', [3], mask),
      tensorOf('int64', [2, 3], [1, 2, 3, 4, 5, 6]),
      tensorOf('int64', [], [9]),
    ],
  })),
  fc
    .tuple(
      fc.constantFrom('ReduceProd', 'ReduceMax', 'ReduceMin'),
      fc.constantFrom([0], [1], [0, 1], [-1]),
      fc.constantFrom(0, 1),
    )
    .map(([opType, axes, keepdims]) => ({
      opType,
      inputs: [tensorOf('int64', [2, 3], [1, -2, 3, 4, 5, -6])],
      attributes: { axes, keepdims },
    })),
);

function moduleOf({ opType, inputs, attributes = {} }: Case): GraphModule {
  const module = new GraphModule(new Graph('g'));
  module.opsets.set('', 17);
  module.irVersion = 8;
  const values = inputs.map((tensor, i) => module.graph.getAttr(`c${i}`, tensor).output);
  const made = module.graph.createOp({
    opType,
    inputs: values,
    attributes,
    outputs: [{ name: 'made' }],
  }).output;
  module.graph.setOutputs([
    module.graph.createOp({ opType: 'Identity', inputs: [made], outputs: [{ name: 'y' }] }).output,
  ]);
  return module;
}

test('every kernel gives what ONNX Runtime gives, elements, shape and type', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(slices, gathers, binaries, moves, others), async (example) => {
      const module = moduleOf(example);
      const folded = module.clone();
      foldConstants(folded);
      lint(folded);
      const tensor = constantTensor([...folded.graph.ops()].at(-1)!.inputs[0]);
      const expected = await run(module, {}).catch(() => undefined);
      if (expected === undefined) return;
      compared++;
      expect(tensor, example.opType).toBeDefined();
      const { dims, data } = expected['y']!;
      expect(tensor!.dims, example.opType).toEqual([...dims]);
      expect(Array.from(tensor!.data() as Float32Array, Number)).toEqual(
        Array.from(data as Float32Array, Number),
      );
    }),
    { numRuns: 400 },
  );
  expect(compared).toBeGreaterThan(300);
});

const model = (text: string, opset = 13) =>
  parseModule(`<ir_version: 8, opset_import: ["" : ${opset}]> ${text}`);

describe('what is known although the batch is not', () => {
  test('a static size is taken out of a shape with open ones', () => {
    const module =
      model(`g (float[N,3,8,8] x, float[4] z) => (float[] y) <int64 two = {2}, int64[1] axis = {0}> {
      s = Shape(x) h = Gather(s, two) u = Unsqueeze(h, axis) y = Expand(z, u) }`);
    const { folded } = foldConstants(module);
    expect(folded).toBe(2);
    expect(opTypes(module)).toEqual(['Expand']);
  });

  test('a Reshape that keeps the batch needs no computed target', () => {
    const module =
      model(`g (float[N,3,8,8] x) => (float[] y) <int64 zero = {0}, int64[1] axis = {0}, int64[1] rest = {-1}> {
      s = Shape(x) n = Gather(s, zero) u = Unsqueeze(n, axis) t = Concat<axis = 0>(u, rest) y = Reshape(x, t) }`);
    foldConstants(module);
    expect(printModule(module)).toContain('int64[2] y_shape = {-1, 192}');
    expect(opTypes(module)).toEqual(['Reshape']);
    lint(module);
  });

  test('a size that is open is not folded', () => {
    const module = model(
      `g (float[N,3] x) => (int64 y) <int64 zero = {0}> { s = Shape(x) n = Gather(s, zero) y = Neg(n) }`,
    );
    expect(foldConstants(module).folded).toBe(0);
    expect(opTypes(module)).toEqual(['Shape', 'Gather', 'Neg']);
  });

  test('a constant is cast to the type of a value that is not constant, as torch.export writes a bias of zeros', () => {
    const module = model(`g (float[N,1,4,4] x) => (float[N,2,4,4] y)
      <float[2,1,1,1] w = {1, 2}, double zero = {0.5}, int64[1] size = {2}>
      { like = CastLike(zero, x) bias = Expand(like, size) y = Conv(x, w, bias) }`);
    foldConstants(module);
    expect(opTypes(module)).toEqual(['Conv']);
    const [conv] = [...module.graph.ops()];
    const bias = constantTensor(conv!.inputs[2])!;
    expect([bias.dtype, [...bias.dims], [...(bias.data() as Float32Array)]]).toEqual([
      'float',
      [2],
      [0.5, 0.5],
    ]);
    lint(module);
  });

  test('bodies see what is known around them', () => {
    const module = model(`g (float[2,3] x, bool c) => (int64[] y) <int64 one = {1}> {
      s = Shape(x)
      y = If(c) <then_branch = t () => (int64[] u) { g = Gather(s, one) u = Neg(g) }, else_branch = e () => (int64[] v) { v = Neg(s) }> }`);
    expect(foldConstants(module).folded).toBe(2);
    expect(opTypes(module)).toEqual(['If', 'Neg', 'Neg']);
    lint(module);
  });
});

describe('limits', () => {
  test('what only decides a branch is left to the runtime', () => {
    const module = model(`g (float[2,3] x) => (int64[] y) <int64 two = {2}> {
      s = Size(x) c = Greater(s, two)
      y = If(c) <then_branch = t () => (int64[] u) { u = Neg(two) }, else_branch = e () => (int64[] v) { v = Abs(two) }> }`);
    expect(foldConstants(module).folded).toBe(0);
    expect(opTypes(module)).toContain('Size');
  });

  test('outputs of a graph are left as they are', () => {
    const module = model('g () => (float y) { y = Constant<value_float = 1.0>() }');
    expect(foldConstants(module).folded).toBe(0);
  });

  test('large results are not computed, and are told', () => {
    const module = model(
      'g () => (float[] y) <int64[2] s = {1000, 1000}> { z = ConstantOfShape(s) y = Neg(z) }',
    );
    expect(foldConstants(module)).toEqual({
      folded: 0,
      erased: 0,
      left: [
        {
          node: 'z',
          opType: 'ConstantOfShape',
          reason: 'no kernel evaluates it, or its result is too large',
        },
      ],
    });
  });

  test('weights are not copied: a new shape is a view, another order of axes is made when it is read', () => {
    let reads = 0;
    const big: Tensor = {
      dtype: 'float',
      dims: [200, 100],
      data: () => {
        reads++;
        return Float32Array.from({ length: 20_000 }, (_, i) => i);
      },
    };
    const module = new GraphModule(new Graph('g'));
    module.opsets.set('', 13);
    const { graph } = module;
    const w = graph.getAttr('w', big).output;
    const t = graph.createOp({ opType: 'Transpose', inputs: [w] }).output;
    const f = graph.createOp({ opType: 'Flatten', inputs: [t], attributes: { axis: 0 } }).output;
    graph.setOutputs([graph.createOp({ opType: 'Neg', inputs: [f] }).output]);
    foldConstants(module);
    expect(opTypes(module)).toEqual(['Neg']);
    expect(reads).toBe(0);
    const folded = constantTensor([...graph.ops()][0]!.inputs[0])!;
    expect(folded.dims).toEqual([1, 20_000]);
    expect((folded.data() as Float32Array).slice(0, 3)).toEqual(Float32Array.of(0, 100, 200));
  });

  test('operators that a runtime must evaluate are asked for, others and random ones are not', async () => {
    const module = model(`g (float[2] x) => (float[2] y) <float[2] c = {1, 4}> {
      a = Sqrt(c) b = Tanh(c) r = RandomNormalLike(c) d = Add(a, r) e = Add(d, b) y = Add(x, e) }`);
    const asked: string[] = [];
    const evaluate = async ({ opType }: OpNode, [input]: readonly (Tensor | undefined)[]) => {
      asked.push(opType);
      if (opType !== 'Sqrt') return undefined;
      return [tensorOf('float', input!.dims, Array.from(input!.data() as Float32Array, Math.sqrt))];
    };
    const report = await foldConstantsWith(module, { evaluate });
    expect(asked).toEqual(['Sqrt', 'Tanh']);
    expect(report.folded).toBe(1);
    expect(report.left).toEqual([{ node: 'b', opType: 'Tanh', reason: 'the evaluator does not know it' }]);
    lint(module);
  });
});

describe('inferShapes', () => {
  test.each([
    ['Conv<pads = [1,1,1,1], strides = [2,2]>(x, w)', ['N', 4, 4, 4]],
    ['Conv<auto_pad = "SAME_UPPER", strides = [3,3]>(x, w)', ['N', 4, 3, 3]],
    ['ConvTranspose<strides = [2,2], output_padding = [1,1]>(x, v)', ['N', 5, 18, 18]],
    ['MaxPool<kernel_shape = [3,3], strides = [2,2], ceil_mode = 1>(x)', ['N', 3, 4, 4]],
    ['GlobalAveragePool(x)', ['N', 3, 1, 1]],
    ['Flatten(x)', [undefined, 192]],
    ['Transpose<perm = [0,2,3,1]>(x)', ['N', 8, 8, 3]],
    ['ReduceMean<axes = [2,3], keepdims = 0>(x)', ['N', 3]],
    ['Softmax(x)', ['N', 3, 8, 8]],
    ['Mul(x, one)', ['N', 3, 8, 8]],
    ['Concat<axis = 1>(x, x)', ['N', 6, 8, 8]],
    ['Resize(x, "", scales)', ['N', 3, 16, 16]],
    ['Slice(x, first, last, axes)', ['N', 3, 5, 8]],
    ['Pad(x, pads)', ['N', 3, 9, 10]],
    ['DepthToSpace<blocksize = 2>(d)', [1, 1, 4, 4]],
    ['MatMul(x, square)', ['N', 3, 8, 8]],
  ])('%s', (operator, shape) => {
    const module = model(`g (float[N,3,8,8] x, float[1,4,2,2] d) => (float[] y) <
      float[4,3,3,3] w = {${new Array(108).fill(0)}}, float[3,5,3,3] v = {${new Array(135).fill(0)}}, float one = {1},
      float[4] scales = {1, 1, 2, 2}, int64[1] first = {1}, int64[1] last = {6}, int64[1] axes = {2},
      int64[8] pads = {0,0,1,1,0,0,0,1}, float[8,8] square = {${new Array(64).fill(0)}}> { z = ${operator} y = Relu(z) }`);
    inferShapes(module);
    const [node] = [...module.graph.ops()];
    if (operator.startsWith('Flatten')) expect(node!.output.shape?.[1]).toBe(192);
    else expect(node!.output.shape).toEqual(shape);
    expect(node!.output.dtype).toBe('float');
  });
});

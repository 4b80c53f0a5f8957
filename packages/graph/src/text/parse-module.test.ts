import { expect, test } from 'vitest';
import { lint, type OpNode, parseModule, printModule } from '../index.js';

const parseNode = (node: string, header = '') =>
  parseModule(`g (float x, float b) => (float x) ${header} { ${node} }`);
const firstOp = (node: string): OpNode => [...parseNode(node).graph.ops()][0]!;

test('a text as the ONNX reference shows it is read', () => {
  const module = parseModule(`
    <
      ir_version: 7,
      opset_import: [ "" : 10 ]
    >
    agraph (float[N, 128] X, float[128, 10] W, float[10] B) => (float[N, 10] C)
    {
        T = MatMul(X, W)
        S = Add(T, B)
        C = Softmax(S)
    }`);
  lint(module);
  expect(module.irVersion).toBe(7);
  expect(module.opset).toBe(10);
  expect(module.graph.inputs.map(({ shape }) => shape)).toEqual([['N', 128], [128, 10], [10]]);
  expect([...module.graph.ops()].map(({ opType }) => opType)).toEqual(['MatMul', 'Add', 'Softmax']);
  expect(module.graph.outputs[0]!.producer.inputs[0]!.name).toBe('S');
  expect(module.graph.outputs[0]!.shape).toEqual(['N', 10]);
});

test('a model prints in this form', () => {
  const text = `<
  ir_version: 10,
  opset_import: ["" : 17, "ai.bitwright" : 1],
  producer_name: "me",
  metadata_props: ["k": "a \\"quoted\\" \\\\ value"]
>
net (float[N,3,?] x, int64[2] s, bool "the cond") => (float[N,10] y, float[] z)
<
  float[2] w = {1, -2.5},
  uint4[3] "codes.4" = {0, 7, 15},
  string[2] names = {"a", x"ff"},
  float16 half = {15360},
  undefined[2] t
>
{
  [conv1] t = Conv <strides = [2, 2], alpha = 1.0, axes: ints = []> (x, w)
  "", u = com.microsoft.Split <value = int4[2] {-8, 7}> ("", t)
  z = If ("the cond") <then_branch = yes () => (float c) {
    c = Add (t, u)
  }, else_branch = no () => (c)
  <
    float d = {nan}
  >
  {
    c = Mul (u, d)
  }>
  y = ai.bitwright.FakeQuantize <role = "activation"> (z)
}
`;
  const module = parseModule(text);
  lint(module);
  expect(printModule(module)).toBe(text);
});

test('an elided tensor prints and does not read', () => {
  const module = parseModule('g () => (float[3] w) <float[3] w = {1, 2, 3}, float[2] v = {1, 2}> {}');
  const text = printModule(module, { maxElements: 2 });
  expect(text).toContain('float[3] w = {...}');
  expect(text).toContain('float[2] v = {1, 2}');
  expect(() => parseModule(text)).toThrow(expect.objectContaining({ code: 'TEXT_ELIDED' }));
});

test('a tensor that is elided is not read from its source', () => {
  const module = parseModule('g () => () <float[3] w = {1, 2, 3}> {}');
  const node = module.graph.findValue('w')!.producer;
  if (node.kind !== 'get_attr') throw new Error('w is an initializer');
  node.tensor = {
    dtype: 'float',
    dims: [3],
    data: () => {
      throw new Error('read');
    },
  };
  expect(printModule(module, { maxElements: 2 })).toContain('{...}');
  expect(() => printModule(module)).toThrow('read');
});

test('a value without a name that is read cannot be printed', () => {
  const { graph } = parseNode('y = Relu(x) z = Relu(y)');
  graph.rename(graph.findValue('y')!, '');
  const module = parseModule('g () => () {}');
  module.graph = graph;
  expect(() => printModule(module)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
});

test.each([
  ['Op(x)', ['x']],
  ['Op()', []],
  ['Op(x,)', ['x']],
  ['Op(,)', [undefined]],
  ['Op("")', [undefined]],
  ['Op(,x)', [undefined, 'x']],
  ['Op(x, "", b)', ['x', undefined, 'b']],
  ['Op(x,,"b")', ['x', undefined, 'b']],
])('inputs of %s', (call, names) => {
  expect(firstOp(`y = ${call}`).inputs.map((value) => value?.name)).toEqual(names);
});

test('outputs may be left out or be none at all', () => {
  expect(firstOp('a, , c = Op(x)').outputs.map(({ name }) => name)).toEqual(['a', '', 'c']);
  expect(firstOp(' = Op(x)').outputs).toHaveLength(0);
});

test.each([
  ['a = 1', 'int', 1],
  ['a = -7', 'int', -7],
  ['a = 9223372036854775807', 'int', 9223372036854775807n],
  ['a = 1.0', 'float', 1],
  ['a = 1.', 'float', 1],
  ['a = 1e3', 'float', 1000],
  ['a = 0.1', 'float', Math.fround(0.1)],
  ['a = -inf', 'float', Number.NEGATIVE_INFINITY],
  ['a = NaN', 'float', Number.NaN],
  ['a: float = 1', 'float', 1],
  ['a: int = 1', 'int', 1],
  ['a = "x"', 'string', 'x'],
  ['a = "1\\"2\\\\n"', 'string', '1"2\\n'],
  ['a = [1, 2]', 'ints', [1, 2]],
  ['a: floats = [1, 2.5]', 'floats', [1, 2.5]],
  ['a = ["x", ""]', 'strings', ['x', '']],
  ['a: strings = []', 'strings', []],
  ['"a" = 1', 'int', 1],
])('attribute %s', (text, type, value) => {
  expect(firstOp(`y = Op <${text}> (x)`).attributes.get('a')).toEqual({ type, value });
  expect(firstOp(`y = Op (x) <${text}>`).attributes.get('a')).toEqual({ type, value });
});

test('tensor attributes may be written with an equals sign', () => {
  const { attributes } = firstOp('y = Op <a = float[2] = {1, 2}, b = int64 {3}> (x)');
  expect(attributes.tensor('a')!.data()).toEqual(Float32Array.of(1, 2));
  expect(attributes.tensor('b')!.data()).toEqual(BigInt64Array.of(3n));
});

test('a body does not see the results of its own node, nor what comes later', () => {
  const body = (name: string) => `y = If(x) <then_branch = t () => (z) { z = Relu(${name}) }> w = Relu(x)`;
  expect(() => parseNode(body('y'))).toThrow(expect.objectContaining({ code: 'TEXT_UNKNOWN_VALUE' }));
  expect(() => parseNode(body('w'))).toThrow(expect.objectContaining({ code: 'TEXT_UNKNOWN_VALUE' }));
  lint(parseNode(body('b')));
});

test('sibling bodies may use the same names', () => {
  const body = (word: string) => `${word} = g () => (z) <float w = {1}> { z = Relu(w) }`;
  const module = parseNode(`y = If(x) <${body('then_branch')}, ${body('else_branch')}>`);
  lint(module);
  expect(parseModule(printModule(module)).graph.nodeCount).toBe(module.graph.nodeCount);
});

test.each([
  ['TEXT_SYNTAX', 'g (float x) -> (float x) {}', 1, 13],
  ['TEXT_SYNTAX', 'g (float x) => (float x) {', 1, 27],
  ['TEXT_SYNTAX', 'g (float x) => (float x) {\n  y = Relu(x\n}', 3, 1],
  ['TEXT_SYNTAX', 'g () => () {}\nf (x) => (y) { y = Relu(x) }', 2, 1],
  ['TEXT_SYNTAX', '<ir_version: 8, doc_string: "d"> g () => () {}', 1, 17],
  ['TEXT_SYNTAX', '<ir_version: 8, ir_version: 8> g () => () {}', 1, 17],
  ['TEXT_SYNTAX', '<opset_import: ["" : 1, "" : 2]> g () => () {}', 1, 25],
  ['TEXT_SYNTAX', 'g (seq(float) x) => () {}', 1, 4],
  ['TEXT_SYNTAX', 'g (optional(float) x) => () {}', 1, 4],
  ['TEXT_SYNTAX', 'g (opaque(a) x) => () {}', 1, 4],
  ['TEXT_SYNTAX', 'g (float "") => () {}', 1, 10],
  ['TEXT_SYNTAX', 'g (float x = {1}) => () {}', 1, 12],
  ['TEXT_SYNTAX', 'g () => () <float[2] w = ["location": "f"]> {}', 1, 26],
  ['TEXT_SYNTAX', 'g () => () <float[2] w = {1}> {}', 1, 13],
  ['TEXT_SYNTAX', 'g () => () <float[N] w = {1}> {}', 1, 13],
  ['TEXT_SYNTAX', 'g () => () <float[] w = {1}> {}', 1, 13],
  ['TEXT_SYNTAX', 'g () => () <undefined w = {1}> {}', 1, 13],
  ['TEXT_SYNTAX', 'g () => () <w = {1}> {}', 1, 13],
  ['TEXT_SYNTAX', 'g () => () <uint8 w = {256}> {}', 1, 24],
  ['TEXT_SYNTAX', 'g () => () <int4 w = {8}> {}', 1, 23],
  ['TEXT_SYNTAX', 'g () => () <uint2 w = {-1}> {}', 1, 24],
  ['TEXT_SYNTAX', 'g () => () <int64 w = {9223372036854775808}> {}', 1, 24],
  ['TEXT_SYNTAX', 'g () => () <int32 w = {1.5}> {}', 1, 24],
  ['TEXT_SYNTAX', 'g () => () <string w = {1}> {}', 1, 25],
  ['TEXT_SYNTAX', 'g () => () <float[99999999999999999] w = {1}> {}', 1, 19],
  ['TEXT_SYNTAX', 'g () => () { y = Op:overload() }', 1, 20],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = @b>() }', 1, 25],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a: type_proto = float>() }', 1, 24],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = float[2]>() }', 1, 25],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = float w {1}>() }', 1, 31],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = []>() }', 1, 25],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = [1, 2.5]>() }', 1, 29],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a: int = 1.5>() }', 1, 30],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a: int = [1]>() }', 1, 30],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a: ints = 1>() }', 1, 31],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = b>() }', 1, 25],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = 1, a = 2>() }', 1, 28],
  ['TEXT_SYNTAX', 'g () => () { y = Op<a = 1>() <b = 1> }', 1, 30],
  ['TEXT_SYNTAX', 'g () => () { y = Op(); }', 1, 22],
  ['TEXT_SYNTAX', 'g () => () { y = Op("a) }', 1, 21],
  ['TEXT_SYNTAX', 'g (float x) => (int64 x) {}', 1, 23],
  ['TEXT_ELIDED', 'g () => () { y = Op<a: other = {...}>() }', 1, 33],
  ['TEXT_ELIDED', 'g () => () <float[9] w = {...}> {}', 1, 27],
  ['TEXT_UNKNOWN_VALUE', 'g () => () { y = Relu(x) }', 1, 23],
  ['TEXT_UNKNOWN_VALUE', 'g () => () { z = Relu(y) y = Relu(z) }', 1, 23],
  ['TEXT_UNKNOWN_VALUE', 'g () => (y) {}', 1, 10],
  ['TEXT_UNKNOWN_VALUE', 'g () => () <float t> {}', 1, 19],
  ['TEXT_DUPLICATE_VALUE', 'g (float x, int8 x) => () {}', 1, 18],
  ['TEXT_DUPLICATE_VALUE', 'g (float x) => () <float x = {1}> {}', 1, 26],
  ['TEXT_DUPLICATE_VALUE', 'g (float x) => () { x = Relu(x) }', 1, 21],
])('%s of %s', (code, text, line, column) => {
  expect(() => parseModule(text, 'my.txt')).toThrow(
    expect.objectContaining({
      code,
      message: expect.stringContaining(`line ${line}, column ${column}:`),
      at: { file: 'my.txt' },
    }),
  );
});

test('a misspelt value gets the nearest name', () => {
  expect(() => parseNode('conv_out = Relu(x) y = Relu(conv_oud)')).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("'conv_out'") }),
  );
});

test('bodies that are nested too deep are an error, not an overflow', () => {
  const depth = 5000;
  const text = `g (bool c) => () { ${'y = If(c) <then_branch = b () => () { '.repeat(depth)}${'}>'.repeat(depth)} }`;
  expect(() => parseModule(text)).toThrow(
    expect.objectContaining({ code: 'TEXT_SYNTAX', message: expect.stringContaining('deep') }),
  );
});

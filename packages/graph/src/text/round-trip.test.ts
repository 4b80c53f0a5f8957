import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moduleArbitrary, plainGraph, tensorArbitrary } from '../../test/random-module.js';
import { Graph, GraphModule, lint, parseModule, printGraph, printModule } from '../index.js';

test('what is printed is read back as it was, and prints the same', () => {
  fc.assert(
    fc.property(moduleArbitrary, (module) => {
      lint(module);
      const text = printModule(module);
      const read = parseModule(text);
      lint(read);
      expect(plainGraph(read.graph)).toStrictEqual(plainGraph(module.graph));
      expect(read.opsets).toEqual(module.opsets);
      expect(read.metadataProps).toEqual(module.metadataProps);
      expect(read.producerName).toBe(module.producerName);
      expect(printModule(read)).toBe(text);
    }),
    { numRuns: 300 },
  );
});

test('tensors of every element type keep every bit but those of a NaN', () => {
  fc.assert(
    fc.property(tensorArbitrary, (tensor) => {
      const module = new GraphModule();
      module.graph.getAttr('w', tensor);
      const node = [...parseModule(printModule(module)).graph.nodes()][0]!;
      if (node.kind !== 'get_attr') throw new Error('an initializer was printed');
      expect(node.tensor.dtype).toBe(tensor.dtype);
      expect(node.tensor.dims).toEqual(tensor.dims);
      expect(node.tensor.data()).toStrictEqual(tensor.data());
    }),
    { numRuns: 500 },
  );
});

test('a damaged text is read, or is an error with a code, and never anything else', () => {
  const texts = moduleArbitrary.map((module) => printModule(module));
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(20), fc.string({ maxLength: 3 }), (text, at, length, extra) => {
      const from = at % (text.length + 1);
      const damaged = text.slice(0, from) + extra + text.slice(from + length);
      try {
        parseModule(damaged);
      } catch (thrown) {
        expect(thrown).toMatchObject({
          name: 'BitwrightError',
          code: expect.stringMatching(/^TEXT_/),
          message: expect.stringMatching(/line \d+, column \d+/),
        });
      }
    }),
    { numRuns: 500 },
  );
});

test('a long chain is printed and read without recursion', () => {
  const graph = new Graph('chain');
  let value = graph.placeholder('x').output;
  for (let i = 0; i < 12_000; i++) value = graph.createOp({ opType: 'Relu', inputs: [value] }).output;
  graph.setOutputs([value]);
  const text = printModule(new GraphModule(graph));
  expect(printGraph(parseModule(text).graph)).toBe(printGraph(graph));
});

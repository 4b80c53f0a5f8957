import { type BackendTableEntry, type DTypeWithConstraints, resolveBackend } from '@bitwright/backends';
import { isQuantizer, lint, type OpNode, type Value } from '@bitwright/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { model, resolverOf } from '../test/prepared-model.js';
import { type ObserverGroup, type PreparedLayer, type PreparedModel, prepare } from './prepare.js';

const operand = fc.record(
  {
    bits: fc.constantFrom([8], [4, 8], [8, 16]),
    symmetric: fc.boolean(),
    signed: fc.boolean(),
    powerOfTwo: fc.boolean(),
    carrier: fc.constantFrom('int8' as const, 'uint8' as const),
  },
  { requiredKeys: ['bits'] },
) as fc.Arbitrary<DTypeWithConstraints>;

const dtype = fc.record({ input: operand, output: operand });
const sameScale = fc.constantFrom(undefined, 'inputs' as const, 'inputs-and-output' as const);

const table = fc
  .record({
    conv: dtype,
    relu: dtype,
    add: dtype,
    concat: dtype,
    pool: dtype,
    sigmoid: operand,
    same: fc.tuple(sameScale, sameScale),
  })
  .map(({ conv, relu, add, concat, pool, sigmoid, same }): BackendTableEntry[] => {
    const plain = (opType: string, one: typeof conv, scale?: 'inputs' | 'inputs-and-output') => ({
      pattern: [opType],
      dtypes: [one],
      ...(scale && { sameScale: scale }),
    });
    return [
      { pattern: ['Conv'], dtypes: [{ ...conv, weight: { bits: [8] }, bias: ['int32'] }] },
      plain('Relu', relu),
      plain('Add', add, same[0]),
      plain('Concat', concat, same[1]),
      { pattern: ['MaxPool'], dtypes: [pool], observation: 'OUTPUT_SHARE_OBSERVER_WITH_INPUT' },
      {
        pattern: ['Sigmoid'],
        dtypes: [{ input: sigmoid, output: { bits: [8], fixedRange: [0, 1] } }],
      },
    ];
  });

/** A network of operators that each read one or two of the values before them. */
const network = fc
  .array(
    fc.record({
      opType: fc.constantFrom('Conv', 'Relu', 'Add', 'Concat', 'MaxPool', 'Sigmoid'),
      a: fc.nat(),
      b: fc.nat(),
    }),
    { minLength: 2, maxLength: 9 },
  )
  .map((steps) => {
    const names = ['x'];
    const lines = steps.map(({ opType, a, b }, index) => {
      const [first, second] = [names[a % names.length], names[b % names.length]];
      names.push(`v${index}`);
      const inputs = opType === 'Add' || opType === 'Concat' ? `${first}, ${second}` : first;
      const calls: Readonly<Record<string, string>> = {
        Conv: `Conv(${first}, w)`,
        Concat: `Concat<axis=1>(${inputs})`,
        MaxPool: `MaxPool<kernel_shape=[1,1]>(${first})`,
      };
      return `v${index} = ${calls[opType] ?? `${opType}(${inputs})`}`;
    });
    return `g (float[1,2,4,4] x) => (${names.at(-1)}) <float[2,2,1,1] w = {1,2,3,4}> { ${lines.join(' ')} }`;
  });

/** What a group's grid has of what an operand demands. */
function meets({ constraints, config }: ObserverGroup, demand: DTypeWithConstraints): boolean {
  return (
    demand.bits.includes(config.activations) &&
    (demand.symmetric !== true || constraints.symmetric === true) &&
    (demand.powerOfTwo !== true || constraints.powerOfTwo === true) &&
    (demand.signed === undefined || constraints.signed === demand.signed) &&
    (demand.carrier === undefined || constraints.carrier === demand.carrier)
  );
}

function groupOf({ groups }: PreparedModel, quantizer: OpNode): ObserverGroup {
  return groups.find(({ quantizers }) => quantizers.includes(quantizer))!;
}

/** The groups of an operator's activation inputs, and of its result. */
function gridsOf(prepared: PreparedModel, { anchor, activationInputs }: PreparedLayer) {
  const producers = activationInputs.map((index) => anchor.inputs[index]!.producer);
  const inputs = producers.map((producer) => groupOf(prepared, producer as OpNode));
  const made: Value = anchor.outputs[0]!;
  const [reader] = [...made.uses].map(({ node }) => node).filter(isQuantizer);
  return { inputs, output: reader === undefined ? undefined : groupOf(prepared, reader) };
}

it('gives each operand a grid that meets its entry, in any network under any table', () => {
  fc.assert(
    fc.property(network, table, (body, entries) => {
      const module = model(body);
      const own = { name: 'own', description: 'Own.', entries };
      const prepared = prepare(
        module,
        resolveBackend(own, () => own),
        resolverOf({ bits: '8' }),
      );
      lint(module, 'prepare');
      for (const layer of prepared.layers) {
        const { inputs, output } = gridsOf(prepared, layer);
        for (const grid of inputs) expect(meets(grid, layer.dtype.input!)).toBe(true);
        const { observation, sameScale: same } = layer.entry;
        const shares = observation === 'OUTPUT_SHARE_OBSERVER_WITH_INPUT';
        if (output !== undefined && !shares) expect(meets(output, layer.dtype.output!)).toBe(true);
        if (output !== undefined && shares) expect(output).toBe(inputs[0]);
        if (same !== undefined) expect(new Set(inputs).size).toBe(1);
      }
    }),
    { numRuns: 200 },
  );
});

import { reportDocument } from '@bitwright/analyze';
import { seededRandom } from '@bitwright/core';

const WIDTHS = [8, 7, 6, 5, 4, 3, 2];

/** A made-up report of a chain of `layers` convolutions with a residual Add after every second one, at seven widths. */
export function sampleReport(layers: number): ReturnType<typeof reportDocument.parse> {
  const random = seededRandom(7);
  const list = <T>(count: number, make: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i));
  const digest = 'a'.repeat(64);
  const nodes = list(layers, (i) => [
    { name: `conv${i}`, opType: 'Conv', inputs: [i === 0 ? 'x' : `y${i - 1}`], outputs: [`c${i}`] },
    {
      name: `add${i}`,
      opType: 'Add',
      inputs: [`c${i}`, i < 2 ? `c${i}` : `y${i - 2}`],
      outputs: [`y${i}`],
    },
  ]).flat();
  const tensor = (name: string, bits: number) => ({
    name,
    bits,
    signed: false,
    quantMin: 0,
    quantMax: 2 ** bits - 1,
    scale: 0.01 + random() / 100,
    zeroPoint: 0,
    min: 0,
    max: 3,
    low: 0,
    high: 2.5,
    edges: list(65, (i) => i / 20),
    counts: list(64, () => Math.floor(1e5 * random() ** 4)),
    codes: list(2 ** bits, () => Math.floor(1e4 * random() ** 4)),
  });
  const weights = (bits: number) => ({
    bits,
    signed: true,
    quantMin: -(2 ** (bits - 1)),
    quantMax: 2 ** (bits - 1) - 1,
    axis: 0,
    symmetric: true,
    shape: [256, 64, 3, 3],
    scale: list(256, () => random() / 10),
    zeroPoint: list(256, () => 0),
    min: list(256, () => -random()),
    max: list(256, () => random()),
    sqnr: list(256, () => 6 * bits - 4 + 3 * random()),
  });
  const variant = (bits: number) => ({
    bits: `W${bits}A${bits}`,
    scheme: 'integer-only',
    method: 'fast',
    backend: 'integer-only',
    dialect: bits < 8 ? 'qcdq' : 'qdq',
    samples: 1024,
    accuracy: { correct: 9000 - (8 - bits) ** 3 * 20, total: 10000 },
    layers: nodes.map(({ name, opType, inputs, outputs }) => ({
      name,
      opType,
      input: inputs[0]!,
      output: outputs[0]!,
      ...(opType === 'Conv' && { weights: weights(bits), biasBits: 32, isolated: 6 * bits, macs: 1000 }),
      cumulative: 5 * bits - random() * 5,
      explanation: 'A made-up layer.',
    })),
    tensors: nodes.map(({ outputs }) => tensor(outputs[0]!, bits)),
    promotions: [{ layer: 'conv0', before: 8.2, after: 9.5, bytes: 4000 }],
    sizes: [
      { storage: 'float32 weights', bytes: 4e6 },
      { storage: 'packed to the width', bytes: 5e5 * bits },
    ],
    diagnostics: [
      {
        code: 'W-LOGITS',
        severity: 'warning',
        message: 'A made-up warning.',
        hint: 'None.',
        at: { node: 'conv0' },
      },
    ],
  });
  return reportDocument.parse({
    kind: 'bitwright.report',
    version: 1,
    title: 'A made-up report </script><script>throw 1</script>',
    reproduce: {
      command: 'bitwright sweep model.onnx --bits 8,7,6,5,4,3,2',
      versions: { bitwright: '0.1.0' },
      models: [{ path: 'model.onnx', sha256: digest }],
      data: [],
    },
    sweep: {
      kind: 'bitwright.sweep',
      version: 1,
      sweep: digest,
      mode: 'faithful',
      calibration: { name: 'calibration.json', samples: 1024, synthetic: false },
      evaluation: { name: 'test.json', samples: 10000, synthetic: false },
      floats: ['a.onnx', 'b.onnx'].map((model) => ({
        model,
        sha256: digest,
        correct: 9100,
        total: 10000,
        interval: { low: 0.905, high: 0.915 },
      })),
      runs: ['a.onnx', 'b.onnx'].flatMap((model, m) =>
        WIDTHS.map((bits) => ({
          model,
          bits: `W${bits}A${bits}`,
          scheme: 'integer-only',
          method: 'fast',
          correct: 9000 - (8 - bits) ** 3 * (20 + 8 * m),
          total: 10000,
          interval: { low: 0.8, high: 0.95 },
        })),
      ),
      comparisons: [],
    },
    models: [
      {
        name: 'model.onnx',
        path: 'model.onnx',
        sha256: digest,
        bytes: 4e6,
        float: { correct: 9100, total: 10000 },
        inputs: ['x'],
        outputs: [`y${layers - 1}`],
        nodes,
        values: [],
        explanations: {
          rules: [{ rule: 'a-rule', pattern: 'Relu(Conv(?, constant))' }],
          nodes: nodes.map(({ name, opType }) => ({
            name,
            madeOf: [{ name: `${name}_before`, opType, reason: "the rule 'b-rule' made it" }],
            rules: [
              {
                rule: 'a-rule',
                outcome: 'no-match',
                root: name,
                depth: 2,
                failed: { node: name, needed: 'Relu', found: 'Add' },
              },
            ],
            tables: [
              {
                backend: 'integer-only',
                entries: [
                  { pattern: opType, outcome: 'claims', depth: 1 },
                  {
                    pattern: `${opType}+Relu`,
                    outcome: 'no-match',
                    depth: 1,
                    failed: { node: name, value: 'y', needed: 'Relu behind it', found: 'an Add' },
                  },
                ],
                nearest: {
                  pattern: `${opType}+Relu`,
                  of: 'the table',
                  failed: { node: name, value: 'y', needed: 'Relu behind it', found: 'an Add' },
                },
              },
            ],
          })),
          gone: [{ name: 'dropout', opType: 'Dropout', reason: "the rule 'c-rule' removed it" }],
        },
        variants: WIDTHS.map(variant),
        pareto: [
          { label: 'W8A8', bytes: 4e6, correct: 9000, total: 10000, mixed: false },
          { label: 'mixed', bytes: 2e6, correct: 8900, total: 10000, mixed: true },
        ],
      },
    ],
  });
}

import { expect, it } from 'vitest';
import { type BackendFinding, checkBackend } from './check-backend.js';

const eight = { input: { bits: [8] }, output: { bits: [8] } };

function found(table: Readonly<Record<string, unknown>>): string[] {
  return checkBackend({ name: 'own', description: 'Own.', entries: [], ...table }).map(summary);
}

function summary({ code, path }: BackendFinding): string {
  return `${code} ${path.join('.')}`;
}

const entry = (more: object, dtypes: unknown[] = [eight]) => ({
  entries: [{ pattern: ['Add'], dtypes, ...more }],
});
const operand = (constraints: object) => entry({}, [{ input: { bits: [8], ...constraints } }]);

it('accepts a table', () => {
  expect(
    found({ presets: { eight }, entries: [{ pattern: [['Add', 'Sub'], 'Relu'], dtypes: ['eight'] }] }),
  ).toEqual([]);
  expect(found({ extends: 'onnxruntime-cpu', remove: [['Conv', 'Clip']] })).toEqual([]);
});

it('finds typos in keys, with the nearest key of that place', () => {
  const [finding] = checkBackend({ name: 'own', description: 'Own.', entires: [], entries: [] });
  expect(finding).toMatchObject({
    code: 'BACKEND_KEY_UNKNOWN',
    hint: "Did you mean 'entries'?",
    path: ['entires'],
  });
  expect(
    checkBackend({ ...{ name: 'own', description: 'O.' }, ...operand({ symetric: true }) }),
  ).toMatchObject([
    {
      code: 'BACKEND_KEY_UNKNOWN',
      hint: "Did you mean 'symmetric'?",
      path: ['entries', 0, 'dtypes', 0, 'input', 'symetric'],
    },
  ]);
  expect(found(entry({ anker: 'Add' }))).toEqual(['BACKEND_KEY_UNKNOWN entries.0.anker']);
});

it('finds wrong values', () => {
  expect(found({ name: 'No Name' })).toEqual(['BACKEND_VALUE name']);
  expect(found(operand({ bits: [9] }))).toEqual(['BACKEND_VALUE entries.0.dtypes.0.input.bits.0']);
  expect(found(entry({ observation: 'OUTPUT_SHARE' }))).toEqual(['BACKEND_VALUE entries.0.observation']);
  expect(found(entry({}, [3]))).toEqual(['BACKEND_VALUE entries.0.dtypes.0']);
  expect(checkBackend(undefined).map(summary)).toEqual(['BACKEND_VALUE ']);
  expect(checkBackend({ name: 'own', entries: [] })).toMatchObject([
    { code: 'BACKEND_VALUE', path: ['description'], message: "At 'description': it is missing." },
  ]);
});

it('refuses functions wherever they are', () => {
  expect(found(entry({ pattern: () => ['Add'] }))).toEqual(['BACKEND_FUNCTION entries.0.pattern']);
});

it('finds unknown operators, and knows those that a plugin declares', () => {
  const table = {
    name: 'own',
    description: 'Own.',
    entries: [{ pattern: ['Conv', ['Relu', 'Clp']], dtypes: [eight] }],
  };
  expect(checkBackend(table)).toMatchObject([
    { code: 'BACKEND_OPERATOR_UNKNOWN', path: ['entries', 0, 'pattern', 1, 1], hint: "Did you mean 'Clip'?" },
  ]);
  expect(checkBackend(table, { operators: ['Clp'] })).toEqual([]);
  expect(checkBackend({ ...table, entries: [{ pattern: ['my.domain.Op'], dtypes: [eight] }] })).toMatchObject(
    [{ code: 'BACKEND_OPERATOR_FOREIGN', severity: 'warning' }],
  );
});

it('finds entries that are never reached, and overlaps', () => {
  const two = (a: unknown, b: unknown) =>
    found({
      entries: [
        { pattern: a, dtypes: [eight] },
        { pattern: b, dtypes: [eight] },
      ],
    });
  expect(two(['Add'], ['Add'])).toEqual(['BACKEND_ENTRY_UNREACHABLE entries.1.pattern']);
  expect(two([['Add', 'Mul']], [['Mul', 'Sub']])).toEqual(['BACKEND_ENTRY_OVERLAP entries.1.pattern']);
  expect(two(['Conv', 'Relu'], ['Conv'])).toEqual([]);
  expect(two(['Add'], ['Dropout'])).toEqual(['BACKEND_ENTRY_UNREACHABLE entries.1.pattern.0']);
  expect(found(entry({}, [eight, { input: { bits: [8] }, output: { bits: [8] } }]))).toEqual([
    'BACKEND_ENTRY_UNREACHABLE entries.0.dtypes.1',
  ]);
});

it('finds empty lists', () => {
  expect(found(entry({}, []))).toEqual(['BACKEND_DTYPES_EMPTY entries.0.dtypes']);
  expect(found(operand({ bits: [] }))).toEqual(['BACKEND_DTYPES_EMPTY entries.0.dtypes.0.input.bits']);
});

it.each([
  [{ scaleMinLowerBound: 0.5, scaleMaxUpperBound: 0.25 }, 'scaleMinLowerBound'],
  [{ powerOfTwo: true, scaleMinLowerBound: 0.3, scaleMaxUpperBound: 0.4 }, 'powerOfTwo'],
  [{ quantMinLowerBound: 1 }, 'quantMinLowerBound'],
  [{ quantMaxUpperBound: 0 }, 'quantMaxUpperBound'],
  [{ bits: [16], carrier: 'int8' }, 'carrier'],
  [{ fixedRange: [1, 2] }, 'fixedRange'],
  [{ fixedRange: [0, 1], scaleMinLowerBound: 0.01 }, 'fixedRange'],
  [{ fixedRange: [0, 3], powerOfTwo: true }, 'fixedRange'],
  [{ fixedRange: [-1, 2] }, 'fixedRange'],
  [{ fixedRange: [0, 1], symmetric: true, signed: true }, 'fixedRange'],
])('finds constraints that no scale can meet: %j', (constraints, key) => {
  expect(found(operand(constraints))).toEqual([`BACKEND_SCALE_IMPOSSIBLE entries.0.dtypes.0.input.${key}`]);
});

it('accepts the fixed ranges of sigmoid, softmax and tanh', () => {
  for (const fixedRange of [
    [0, 1],
    [-1, 1],
  ])
    expect(found(operand({ fixedRange, bits: [4, 8, 16], powerOfTwo: true }))).toEqual([]);
});

it('finds what sharing, bias and evidence contradict', () => {
  const fixed = [{ input: { bits: [8] }, output: { bits: [8], fixedRange: [0, 1] } }];
  expect(found(entry({ sameScale: 'inputs-and-output' }, fixed))).toEqual([
    'BACKEND_SCALE_IMPOSSIBLE entries.0.dtypes',
  ]);
  expect(found(entry({}, [{ weight: { bits: [8] }, bias: ['int32'] }]))).toEqual([
    'BACKEND_SCALE_IMPOSSIBLE entries.0.dtypes.0.bias',
  ]);
  expect(found(entry({ evidence: 'cited' }))).toEqual(['BACKEND_SOURCE_MISSING entries.0.evidence']);
  expect(found(entry({ anchor: 'Relu' }))).toEqual(['BACKEND_ANCHOR entries.0.anchor']);
});

it('finds what is wrong with the base, the name and the presets', () => {
  expect(found({ name: 'academic' })).toEqual(['BACKEND_NAME_TAKEN name']);
  expect(found({ extends: 'onnxruntime' })).toEqual(['BACKEND_UNKNOWN extends']);
  expect(found({ extends: 'own' })).toEqual(['BACKEND_UNKNOWN extends']);
  expect(found({ remove: [['Add']] })).toEqual(['BACKEND_REMOVE_UNMATCHED remove']);
  expect(found({ extends: 'academic', remove: [['Add']] })).toEqual(['BACKEND_REMOVE_UNMATCHED remove']);
  expect(found({ presets: { eight }, ...entry({}, ['eigth']) })).toEqual([
    'BACKEND_PRESET_UNKNOWN entries.0.dtypes.0',
    'BACKEND_PRESET_UNUSED presets.eight',
  ]);
  const loop = { name: 'a', description: 'A.', extends: 'b', entries: [] };
  expect(checkBackend(loop, { extra: [loop, { ...loop, name: 'b', extends: 'a' }] }).map(summary)).toEqual([
    'BACKEND_EXTENDS_CYCLE extends',
  ]);
});

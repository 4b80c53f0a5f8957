import assert from 'node:assert/strict';
import { test } from 'node:test';
import { huntForDifference, ruleTester } from '@bitwright/testing';
import { replaceAddOfNeg } from '../src/replace-add-of-neg.js';

const model = (body: string, type = 'float') =>
  `<ir_version: 8, opset_import: ["" : 17]> g (${type}[2,3] x, ${type}[2,3] z) => (${type}[2,3] y) { ${body} }`;

test('an addition of a negated value becomes a subtraction, on either side', async () => {
  const after = model('y = Sub (x, z)');
  await ruleTester.run(replaceAddOfNeg, {
    matches: [
      { before: model('n = Neg(z) y = Add(x, n)'), after },
      { before: model('n = Neg(z) y = Add(n, x)'), after },
    ],
    rejects: [
      { name: 'another reader', model: model('n = Neg(z) a = Add(x, n) y = Mul(a, n)') },
      { name: 'integers', model: model('n = Neg(z) y = Add(x, n)', 'int32'), code: 'TEMPLATE_DTYPE' },
    ],
  });
});

test('no graph computes something else', async () => {
  assert.ok((await huntForDifference(replaceAddOfNeg, { runs: 60 })) > 0);
});

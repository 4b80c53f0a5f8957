import { join } from 'node:path';
import { isQuantizer, quantSpecOf } from '@bitwright/graph';
import { inspect } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { ASSETS, MNIST } from '../support/cli.js';

/** Where each table puts which quantizer, one a line, and what stays float. */
function placement(path: string, scheme: 'backend' | 'integer-only' | 'academic'): string {
  const { module, layers } = inspect(path, { scheme, bits: 'W4A6' });
  const quantizers = [...module.graph.ops()].filter(isQuantizer).map((node) => {
    const { role, bits, signed, axis } = quantSpecOf(node);
    const readers = [...node.output.uses].map((use) => use.node.outputs[0]?.name ?? 'an output');
    return `${node.inputs[0]!.name} ${role} ${bits} ${signed ? 'signed' : 'unsigned'} axis ${axis ?? 'none'} for ${readers.join(' ')}`;
  });
  const groups = layers.map((layer) => `${layer.name}: ${layer.pattern?.join('+') ?? layer.float?.code}`);
  return `${[...quantizers, '', ...groups].join('\n')}\n`;
}

describe.each(['backend', 'integer-only', 'academic'] as const)('the placement of %s', (scheme) => {
  it('is what it was on the fixture', async () => {
    const found = placement(join(MNIST, 'resnet8_ce.onnx'), scheme);
    await expect(found).toMatchFileSnapshot(`placement/resnet8_ce.${scheme}.txt`);
  });

  it.skipIf(ASSETS === undefined)('is what it was on ResNet-20', async () => {
    const found = placement(join(ASSETS!, 'models/resnet20_cifar10_bn.onnx'), scheme);
    await expect(found).toMatchFileSnapshot(`placement/resnet20.${scheme}.txt`);
  });
});

import { evaluateModels, quantize } from 'bitwright';

const { bytes } = await quantize('model.onnx', { bits: 'W4A4', data: 'calibration.json' });
for (const { correct, total, convention } of await evaluateModels([bytes], { data: 'test.json' }))
  console.log(`${correct}/${total}, ${convention}`);

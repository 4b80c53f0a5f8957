import { quantize } from 'bitwright';

const { bytes, layers } = await quantize('model.onnx', { bits: 'W4A4', data: 'calibration.json' });
console.log(`${bytes.length} bytes, ${layers.length} layers`);

import { loadPlugins, quantize } from 'bitwright';

const plugins = await loadPlugins(['./my-fusions.ts', 'bitwright-plugin-example']);
const { fusions } = await quantize('model.onnx', { bits: 'W4A4', data: 'calibration.json', plugins });
console.log(fusions);

import { defineConfig } from 'bitwright';

export default defineConfig({
  bits: 'W4A4',
  data: 'calibration.json',
  scheme: 'integer-only',
  mapping: {
    opTypes: { Gemm: 'W8A8' },
    names: { 'layer1.*': 'W2A4', '/^head/': 'float' },
    tensors: { logits: 'float' },
  },
});

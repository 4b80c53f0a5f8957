import type { QuantizeOptions } from './quantize-options.js';

/** What a configuration file may say: every choice of a quantization except its output. */
export type BitwrightConfig = Partial<Omit<QuantizeOptions, 'output'>>;

/** Gives a configuration file its types. */
export function defineConfig(config: BitwrightConfig): BitwrightConfig {
  return config;
}

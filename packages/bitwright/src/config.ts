import type { QuantizeOptions } from './quantize-options.js';

/** What a configuration file says, once it is read: every choice of a quantization except its output. */
export type BitwrightConfig = Partial<Omit<QuantizeOptions, 'output'>>;

/** What a configuration file may say: plugins by package or path, which is relative to the file. */
export type ConfigFile = Omit<BitwrightConfig, 'plugins'> & { readonly plugins?: readonly string[] };

/** Gives a configuration file its types. */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config;
}

import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform } from 'node:os';
import { VERSION } from '../version.js';

/** The versions that figures depend on. */
export function versions(): {
  readonly bitwright: string;
  readonly node: string;
  readonly onnxruntime: string;
} {
  const require = createRequire(import.meta.url);
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  return { bitwright: VERSION, node: process.version, onnxruntime: version };
}

/** What a time depends on: it stands beside every timing. */
export function hostFacts(): Readonly<Record<string, string | number>> {
  return {
    ...versions(),
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
  };
}

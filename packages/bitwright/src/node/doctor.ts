import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, totalmem } from 'node:os';
import { openOrtNode, probeTraps, type TrapReport } from '@bitwright/runtime';
import { VERSION } from '../version.js';

/** What `doctor` finds out about this machine. */
export interface DoctorReport {
  readonly bitwright: string;
  readonly node: string;
  readonly onnxruntime: { readonly installed: boolean; readonly version?: string; readonly problem?: string };
  readonly platform: string;
  readonly cpu: {
    readonly model: string;
    readonly cores: number;
    readonly avx2: boolean | undefined;
    readonly vnni: boolean | undefined;
  };
  readonly memoryBytes: number;
  /** What the runtime does to quantized models on this machine that their files don't say. */
  readonly traps: readonly TrapReport[];
  readonly advice: readonly string[];
}

/** Looks at versions and CPU features, and says what they mean for quantized models. */
export async function doctor(): Promise<DoctorReport> {
  const onnxruntime = await probeRuntime();
  const flags = cpuFlags();
  const has = (pattern: RegExp): boolean | undefined =>
    flags === undefined ? undefined : pattern.test(flags);
  const cpu = {
    model: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    avx2: has(/\bavx2\b/),
    vnni: has(/\b(avx512_vnni|avx_vnni)\b/),
  };
  const advice: string[] = [];
  if (!onnxruntime.installed) advice.push('Install onnxruntime-node: calibration and evaluation need it.');
  if (cpu.avx2 === true && cpu.vnni === false) {
    advice.push(
      'This CPU adds u8 x s8 products in 16 bits that saturate. Bitwright writes W8A8 weights as uint8 where that could happen.',
    );
  }
  if (cpu.vnni === true)
    advice.push('This CPU has VNNI: 16-bit pair saturation does not show here, but does on CPUs without it.');
  const traps = onnxruntime.installed ? await probeTraps(openOrtNode) : [];
  return {
    bitwright: VERSION,
    node: process.version,
    onnxruntime,
    platform: `${platform()} ${arch()}`,
    cpu,
    memoryBytes: totalmem(),
    traps,
    advice,
  };
}

async function probeRuntime(): Promise<DoctorReport['onnxruntime']> {
  try {
    await import('onnxruntime-node');
    const require = createRequire(import.meta.url);
    const { version } = require('onnxruntime-node/package.json') as { version: string };
    return { installed: true, version };
  } catch (thrown) {
    return { installed: false, problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function cpuFlags(): string | undefined {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

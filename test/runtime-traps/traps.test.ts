import { readFileSync } from 'node:fs';
import { BitwrightError, type Tensor } from '@bitwright/core';
import {
  type OpenExecutor,
  openOrtNode,
  probeTrapModel,
  probeTraps,
  TRAPS,
  type Trap,
  type TrapName,
} from '@bitwright/runtime';
import { describe, expect, it } from 'vitest';
import { openOrtWeb } from '../support/ort-web.js';

/** Traps that are the CPU's: where it has VNNI, or isn't x86, they don't show. */
const OF_THE_CPU: readonly TrapName[] = [
  'u8s8-pair-saturation',
  'matmul-integer-u8s8-saturation',
  'conv-integer-s8u8-saturation',
];

/** WebAssembly has other kernels, which add in 32 bits and leave a MatMulNBits' input float. */
const NOT_IN_WEB: readonly TrapName[] = [...OF_THE_CPU, 'matmulnbits-quantizes-input'];

const REFUSED: readonly TrapName[] = [
  'native-activation-load-fails',
  'int2-weights-load-fails',
  'redundant-clip-load-fails',
  'vector-scale-load-fails',
];

const tried = TRAPS.filter((trap): trap is Trap & Required<Pick<Trap, 'model'>> => trap.model !== undefined);

interface Runtime {
  readonly open: OpenExecutor;
  readonly absent: readonly TrapName[];
  readonly uncertain: readonly TrapName[];
}

/** A failure here is good news: the runtime was repaired, and its guard rail can go. */
describe.each([
  { runtime: 'onnxruntime-node', open: openOrtNode, absent: [], uncertain: OF_THE_CPU },
  { runtime: 'onnxruntime-web', open: openOrtWeb, absent: NOT_IN_WEB, uncertain: [] },
])('$runtime', ({ open, absent, uncertain }: Runtime) => {
  const certain = tried.filter(({ name }) => !uncertain.includes(name));

  it.each(certain)('still has: $name', async ({ name, model }) => {
    const finding = absent.includes(name) ? 'right' : REFUSED.includes(name) ? 'refused' : 'wrong';
    expect(await probeTrapModel(open, model())).toBe(finding);
  });

  it.each(TRAPS.filter(({ guarded }) => guarded !== undefined))(
    'is kept from: $name',
    async ({ guarded }) => {
      expect(await probeTrapModel(open, guarded!())).toBe('right');
    },
  );
});

describe('the pair saturation of this machine', () => {
  const flags = cpuFlags();

  it.runIf(flags?.has('avx2') === true && !hasVnni(flags)).each(OF_THE_CPU)(
    'shows on AVX2 without VNNI: %s',
    async (name) => {
      expect(await probeTrapModel(openOrtNode, TRAPS.find((trap) => trap.name === name)!.model!())).toBe(
        'wrong',
      );
    },
  );

  it.runIf(flags !== undefined && hasVnni(flags)).each(OF_THE_CPU.slice(0, 2))(
    'does not show with VNNI: %s',
    async (name) => {
      expect(await probeTrapModel(openOrtNode, TRAPS.find((trap) => trap.name === name)!.model!())).toBe(
        'right',
      );
    },
  );
});

describe('probeTraps', () => {
  it('reports every trap once, with what it means and what is done', async () => {
    const reports = await probeTraps(openOrtNode);
    expect(reports.map(({ trap }) => trap)).toEqual(TRAPS.map(({ name }) => name));
    expect(new Set(reports.map(({ trap }) => trap)).size).toBe(reports.length);
    for (const { meaning, guard } of reports)
      expect(`${meaning} ${guard}`).toMatch(/^[A-Z].+\. ?[A-Z].+\.$/s);
    expect(reports.find(({ trap }) => trap === 'narrow-output-aborts')?.present).toBe('skipped');
    expect(reports.find(({ trap }) => trap === 'float-weights-quantized')?.present).toBe(true);
  });

  it('finds nothing in a runtime that does in stock sessions what it does in faithful ones', async () => {
    const reports = await probeTraps((model, options) =>
      openOrtNode(model, { ...options, mode: 'faithful' }),
    );
    const found = reports.filter(({ present }) => present === true).map(({ trap }) => trap);
    expect(found.filter((trap) => !OF_THE_CPU.includes(trap))).toEqual([]);
  });

  it('skips what a runtime does not run at all, and frees what it opened', async () => {
    let opened = 0;
    const reports = await probeTraps(async (model, options) => {
      const executor = await openOrtNode(model, options);
      opened++;
      return {
        ...executor,
        run: () => Promise.reject(new BitwrightError({ code: 'X', message: 'x', hint: 'x' })),
        release: async () => {
          opened--;
          await executor.release();
        },
      };
    });
    expect(reports.every(({ present }) => present === 'skipped')).toBe(true);
    expect(opened).toBe(0);
  });

  it('counts NaN as wrong', async () => {
    const model = TRAPS.find(({ name }) => name === 'float-weights-quantized')!.guarded!();
    const finding = await probeTrapModel(async (bytes, options) => {
      const executor = await openOrtNode(bytes, options);
      return {
        inputs: executor.inputs,
        outputNames: executor.outputNames,
        release: () => executor.release(),
        async run(feeds) {
          const results = await executor.run(feeds);
          return options?.mode === 'default'
            ? new Map([...results].map(([key, y]) => [key, allNaN(y)]))
            : results;
        },
      };
    }, model);
    expect(finding).toBe('wrong');
  });

  it('does not hide a mistake of the program', async () => {
    await expect(probeTraps(() => Promise.reject(new TypeError('ours')))).rejects.toThrow('ours');
  });
});

function allNaN(tensor: Tensor): Tensor {
  return {
    dtype: tensor.dtype,
    dims: tensor.dims,
    data: () => (tensor.data() as Float32Array).map(() => Number.NaN),
  };
}

function hasVnni(flags: ReadonlySet<string>): boolean {
  return flags.has('avx512_vnni') || flags.has('avx_vnni');
}

/** The CPU's features; undefined where the system doesn't tell them this way. */
function cpuFlags(): ReadonlySet<string> | undefined {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
    return line === undefined ? undefined : new Set(line.trim().split(/\s+/));
  } catch {
    return undefined;
  }
}

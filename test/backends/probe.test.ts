import { findBackend } from '@bitwright/backends';
import { expect, it } from 'vitest';
import { bitwright } from '../support/cli.js';

interface ProbeDocument {
  readonly backend: string;
  readonly entries: {
    readonly pattern: string;
    readonly runs: string;
    readonly kernels: string[];
    readonly evidence?: string;
    readonly confirmed?: boolean;
    readonly reason?: string;
  }[];
}

it('onnxruntime-cpu marks as probed exactly what the runtime executes in integers on this machine', () => {
  const result = bitwright('backends', 'probe', 'onnxruntime-cpu', '--json');
  expect(result.code, result.stdout).toBe(0);
  const { entries } = result.json<ProbeDocument>();
  expect(entries.map(({ pattern }) => pattern)).toEqual(
    findBackend('onnxruntime-cpu').entries.map(({ pattern }) => pattern.join('+')),
  );
  const probed = entries.filter(({ evidence }) => evidence === 'probed').map(({ pattern }) => pattern);
  const integer = entries.filter(({ runs }) => runs === 'integer').map(({ pattern }) => pattern);
  expect(integer).toEqual(probed);
  const kernelsOf = (name: string) => entries.find(({ pattern }) => pattern === name)?.kernels;
  expect(kernelsOf('Conv+Relu')).toContain('QLinearConv');
  expect(kernelsOf('Gemm')).toContain('QGemm');
  expect(kernelsOf('Add')).toEqual(['QLinearAdd']);
});

it('a table of another device shows what this runtime leaves in float, and why', () => {
  const { entries } = bitwright('backends', 'probe', 'integer-only', '--json').json<ProbeDocument>();
  const tanh = entries.find(({ pattern }) => pattern === 'Tanh');
  expect(tanh).toMatchObject({ runs: 'float', kernels: ['Tanh'], reason: 'Tanh works on floats' });
  expect(tanh?.confirmed).toBeUndefined();
});

it('refuses a table whose files the runtime does not load', () => {
  const result = bitwright('backends', 'probe', 'finn');
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('BACKEND_NOT_PROBEABLE');
});

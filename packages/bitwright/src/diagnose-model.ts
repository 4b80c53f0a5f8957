import { diagnoseGraph } from '@bitwright/analyze';
import { BACKENDS, type BackendConfig, findBackend } from '@bitwright/backends';
import { BitwrightError, type Diagnostic } from '@bitwright/core';
import { detectDialect } from '@bitwright/dialects';
import type { GraphModule } from '@bitwright/graph';
import { bitsOf } from './metadata.js';
import type { ResolvedOptions } from './quantize-options.js';

/** The usual mistakes in a model whose quantizers are calibrated and not lowered yet. */
export function diagnosePrepared(
  { graph }: GraphModule,
  { bits, backend }: Pick<ResolvedOptions, 'bits' | 'backend'>,
): Diagnostic[] {
  return diagnoseGraph({
    graph,
    askedBits: bits.activations,
    placedByTable: true,
    equalAddScales: wantsEqualScales(backend),
  });
}

/** The usual mistakes in a quantized file of any dialect, and what of it can't be read; nothing of a float one. */
export function diagnoseFile(file: GraphModule): Diagnostic[] {
  const dialect = detectDialect(file);
  if (dialect === undefined) return [];
  const module = file.clone();
  try {
    const unread = dialect.lift(module);
    const bits = bitsOf(file);
    const name = file.metadataProps.get('bitwright.backend');
    const known = BACKENDS.some((table) => table.name === name);
    return [
      ...unread.map((diagnostic) => ({ ...diagnostic, severity: 'info' as const })),
      ...diagnoseGraph({
        graph: module.graph,
        ...(bits && { askedBits: bits.activations }),
        placedByTable: name !== undefined,
        ...(known && { equalAddScales: wantsEqualScales(findBackend(name!)) }),
      }),
    ];
  } catch (error) {
    if (!(error instanceof BitwrightError)) throw error;
    return [{ ...error.toJSON(), severity: 'warning' }];
  }
}

function wantsEqualScales({ entries }: BackendConfig): boolean {
  return entries.some(({ pattern, sameScale }) => sameScale !== undefined && pattern.includes('Add'));
}

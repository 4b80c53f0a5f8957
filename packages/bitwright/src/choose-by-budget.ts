import { BitwrightError } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';
import { type BudgetReport, chooseWidths, QConfigResolver } from '@bitwright/quantize';
import { openOrtNode } from '@bitwright/runtime';
import { chooseDialect, neededOpset } from './choose-dialect.js';
import { openDataInput } from './data-input.js';
import { inputSpecs } from './model-file.js';
import { loadLatencies } from './node/load-latencies.js';
import { missingData, type QuantizeOptions, type ResolvedOptions } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';

const CANDIDATES = [2, 3, 4, 5, 6, 7, 8];

/** Widths chosen under a budget. */
export interface ChosenWidths {
  readonly budget: BudgetReport;
  readonly resolved: ResolvedOptions;
  readonly seconds: number;
}

/**
 * Chooses the widths of the weights under the budget that was asked for, on the calibration data.
 *
 * @returns what was chosen, the options with it as overrides by name, and how long it took; nothing without a budget.
 */
export async function chooseByBudget(
  { module }: { readonly module: GraphModule },
  options: QuantizeOptions,
  resolved: ResolvedOptions,
  hooks: RunHooks,
): Promise<ChosenWidths | undefined> {
  const started = performance.now();
  const { budget, backend, mapping, qconfig } = resolved;
  if (budget === undefined) return undefined;
  if (options.data === undefined) throw missingData();
  const latencies = options.latency === undefined ? undefined : loadLatencies(options.latency);
  const resolverFor = (weights: number): QConfigResolver =>
    new QConfigResolver({ ...qconfig, weights }, mapping, resolved.keepFloat);
  const data = await openDataInput(options.data, inputSpecs(module), resolved.selection);
  const { onProgress, signal } = hooks;
  const report = await chooseWidths(module, {
    budget,
    backend,
    ...(latencies && { latencies }),
    widths: CANDIDATES.filter((width) => isWritable(resolved, resolverFor(width))),
    resolverFor,
    base: qconfig,
    open: hooks.open ?? openOrtNode,
    data,
    memory: resolved.memory,
    ...(onProgress && { onProgress: (done, total) => onProgress('measuring sensitivity', done, total) }),
    ...(signal && { signal }),
  });
  const names = { ...mapping.names, ...report.mapping.names };
  const seconds = (performance.now() - started) / 1000;
  return { budget: report, resolved: { ...resolved, mapping: { ...mapping, names } }, seconds };
}

/** True where the dialect has types for the widths. */
function isWritable(resolved: ResolvedOptions, resolver: QConfigResolver): boolean {
  try {
    neededOpset(chooseDialect(resolved, resolver), resolved, resolver);
    return true;
  } catch (thrown) {
    if (thrown instanceof BitwrightError && thrown.code === 'DIALECT_WIDTH') return false;
    throw thrown;
  }
}

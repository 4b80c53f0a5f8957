import { BitwrightError, type Tensor } from '@bitwright/core';
import type { ExecutionMode, OpenExecutor } from '../executor.js';
import { LAYER_TRAPS } from './layer-traps.js';
import { OPERATOR_TRAPS } from './operator-traps.js';
import type { Trap, TrapModel, TrapReport } from './trap.js';

/** Kernels may round exact ties differently without being wrong, so a few outputs are no finding. */
const NOTEWORTHY = 0.01;

/** Every known trap, with the models that show it and the layouts that avoid it. */
export const TRAPS: readonly Trap[] = [...OPERATOR_TRAPS, ...LAYER_TRAPS];

/** How a stock session treats a model: as its file says, otherwise, not at all; or nothing can be said. */
export type TrapFinding = 'right' | 'wrong' | 'refused' | 'unsupported';

/**
 * Tries each known trap in a runtime with models of a few operators; takes well below a second, and never runs what could
 * end the process.
 */
export async function probeTraps(open: OpenExecutor): Promise<TrapReport[]> {
  const reports: TrapReport[] = [];
  for (const { name, meaning, guard, model } of TRAPS) {
    const finding = model === undefined ? 'unsupported' : await probeTrapModel(open, model());
    const present = finding === 'unsupported' ? 'skipped' : finding !== 'right';
    reports.push({ trap: name, present, meaning, guard });
  }
  return reports;
}

/** Runs one model in a stock session and holds the result against what its file says: the expected values, else faithful mode. */
export async function probeTrapModel(open: OpenExecutor, model: TrapModel): Promise<TrapFinding> {
  const faithful = await attempt(open, model, 'faithful');
  if (faithful === undefined) return 'unsupported';
  const stock = await attempt(open, model, 'default');
  if (stock === undefined) return 'refused';
  const right = model.expected ?? faithful;
  let off = 0;
  // Written so that NaN counts.
  for (let i = 0; i < right.length; i++) if (!(Math.abs(stock[i]! - right[i]!) <= model.tolerance)) off++;
  return off > NOTEWORTHY * right.length ? 'wrong' : 'right';
}

/** The only output's values; undefined when the runtime refuses the model. */
async function attempt(
  open: OpenExecutor,
  { bytes, input }: TrapModel,
  mode: ExecutionMode,
): Promise<ArrayLike<number> | undefined> {
  try {
    const executor = await open(bytes, { mode, name: 'a probe of the runtime', threads: 1 });
    try {
      const [output] = (await executor.run(new Map([['x', input]]))).values();
      return valuesOf(output!);
    } finally {
      await executor.release();
    }
  } catch (thrown) {
    if (thrown instanceof BitwrightError) return undefined;
    throw thrown;
  }
}

function valuesOf(tensor: Tensor): ArrayLike<number> {
  return tensor.data() as ArrayLike<number>;
}

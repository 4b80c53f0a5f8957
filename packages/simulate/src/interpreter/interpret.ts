import { BitwrightError, dequantizeValue, quantizeValue } from '@bitwright/core';
import type { FloatStep, Grid, IntegerNetwork, IntegerStep } from '../network/integer-network.js';
import { type AccumulatorRecord, newRecord } from './accumulator-record.js';
import { type Accumulators, dotAccumulators, finish, finishDot } from './run-dot.js';
import { analogAccumulators, type NoiseSeat } from './run-dot-analog.js';
import { runAdd, runConcat, runMultiply, runRescale, runSoftmax, runTable } from './run-elementwise.js';
import { runMove } from './run-move.js';
import { averageAccumulators, matMulAccumulators, runMaxPool } from './run-pool.js';
import { runSpread } from './run-spread.js';
import type { CodeTensor } from './tensor.js';

/** What a run of the interpreter has seen. */
export interface Interpretation {
  /** Every value by its name: codes inside, floats at the ends. */
  readonly values: ReadonlyMap<string, CodeTensor>;
  /** The accumulators of each step that has some, by the step's output, as the device holds them (bias apart). */
  readonly accumulators: ReadonlyMap<string, Accumulators>;
  readonly records: ReadonlyMap<string, AccumulatorRecord>;
}

/**
 * Runs an integer network on one batch, exactly: every sum in the order and with the overflow that the hardware has. It is
 * the reference that emitted models are held against, so it shares no kernel with them.
 *
 * @param seat the noise of this run; without it analog cores are silent.
 * @throws SIMULATE_OVERFLOW where overflow is an error; SIMULATE_INTERPRETER_FLOAT for an operator that stayed float.
 */
export function interpret(
  network: IntegerNetwork,
  inputs: ReadonlyMap<string, CodeTensor>,
  seat: NoiseSeat = { feed: undefined, first: 0 },
): Interpretation {
  const state = {
    seat,
    values: new Map<string, CodeTensor>(inputs),
    accumulators: new Map<string, Accumulators>(),
    records: new Map<string, AccumulatorRecord>(),
  };
  for (const step of network.steps) state.values.set(step.output, runStep(step, state));
  return state;
}

interface State {
  readonly seat: NoiseSeat;
  readonly values: Map<string, CodeTensor>;
  readonly accumulators: Map<string, Accumulators>;
  readonly records: Map<string, AccumulatorRecord>;
}

function runStep(step: IntegerStep, state: State): CodeTensor {
  const value = (name: string): CodeTensor => state.values.get(name)!;
  const held = (accumulators: Accumulators): Accumulators => {
    state.accumulators.set(step.output, accumulators);
    return accumulators;
  };
  const record = (): AccumulatorRecord => {
    const made = newRecord();
    state.records.set(step.output, made);
    return made;
  };
  switch (step.kind) {
    case 'quantize':
      return quantizeCodes(value(step.input), step.grid);
    case 'dequantize':
      return dequantizeCodes(value(step.input), step.grid);
    case 'constant':
      return { dims: step.dims, data: step.codes };
    case 'dot': {
      const input = value(step.input);
      const sums =
        step.analog === undefined
          ? dotAccumulators(step, input, record())
          : analogAccumulators(step, step.analog, input, record(), state.seat);
      return finishDot(step, held(sums));
    }
    case 'matmul': {
      const sums = held(matMulAccumulators(step, value(step.inputs[0]), value(step.inputs[1]), record()));
      return finish(step.result, sums.dims, sums.data, () => 0);
    }
    case 'average': {
      const sums = held(averageAccumulators(step, value(step.input), record()));
      return finish(step.result, sums.dims, sums.data, () => 0);
    }
    case 'add':
      return runAdd(step, value(step.inputs[0]), value(step.inputs[1]));
    case 'multiply':
      return runMultiply(step, value(step.inputs[0]), value(step.inputs[1]));
    case 'max-pool':
      return runMaxPool(step, value(step.input));
    case 'rescale':
      return runRescale(step, value(step.input));
    case 'concat':
      return runConcat(step, step.inputs.map(value));
    case 'move':
      return runMove(step, value(step.input));
    case 'spread':
      return runSpread(step, value(step.input));
    case 'table':
      return runTable(step, value(step.input));
    case 'softmax':
      return runSoftmax(step, value(step.input));
    case 'float':
      throw stayedFloat(step);
  }
}

function stayedFloat(step: FloatStep): BitwrightError {
  return new BitwrightError({
    code: 'SIMULATE_INTERPRETER_FLOAT',
    message: `The interpreter runs integers only, and '${step.name}' (${step.node.opType}) stayed float.`,
    hint: 'Run the emitted model instead, or quantize this operator too.',
    at: { node: step.name },
  });
}

function quantizeCodes(input: CodeTensor, grid: Grid): CodeTensor {
  const range = { bits: grid.bits, signed: grid.min < 0, quantMin: grid.min, quantMax: grid.max };
  const data = Int32Array.from(input.data, (x) => quantizeValue(x, grid.scale, grid.zeroPoint, range));
  return { dims: input.dims, data };
}

function dequantizeCodes(input: CodeTensor, grid: Grid): CodeTensor {
  const data = Float32Array.from(input.data, (code) => dequantizeValue(code, grid.scale, grid.zeroPoint));
  return { dims: input.dims, data };
}

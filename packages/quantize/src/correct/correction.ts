import type { GraphModule, Value } from '@bitwright/graph';
import type {
  Rounded,
  RoundingLayer,
  RoundingSpec,
  RoundingStatistics,
} from '../rounding/rounding-algorithm.js';
import type { ChannelExtremes } from './channel-extremes.js';
import type { ChannelMoments } from './channel-moments.js';

/** What became of a correction at one place. */
export interface CorrectionOutcome {
  readonly correction: string;
  /** The layer, or the operator between layers. */
  readonly node: string;
  /** False where the correction may not be made, or has nothing to do. */
  readonly applied: boolean;
  /** What was done, or why nothing was. */
  readonly detail: string;
}

/** What is known of the channels of a float network's values. */
export interface ChannelKnowledge {
  /** Means and standard deviations that the batch normalizations state. */
  readonly moments: ChannelMoments;
  /** Measures values over the calibration data; those whose rank is not known are left out. Undefined without data. */
  readonly extremes: ((values: readonly Value[]) => Promise<ReadonlyMap<Value, ChannelExtremes>>) | undefined;
}

interface NamedCorrection {
  readonly name: string;
  readonly description: string;
}

/** Changes the constants of the float network before it is quantized, in a way that leaves what it computes. */
export interface NetworkCorrection extends NamedCorrection {
  readonly stage: 'network';
  /** What it cannot do without. */
  readonly needs: 'nothing' | 'data';
  correct(module: GraphModule, known: ChannelKnowledge): Promise<CorrectionOutcome[]>;
}

/** A layer whose weights have their codes. */
export interface RoundedLayer {
  readonly layer: RoundingLayer;
  readonly spec: RoundingSpec;
  readonly rounded: Rounded;
}

/** What a correction of a layer goes by. */
export interface LayerEvidence {
  /** Measured behind the quantized prefix; undefined where every layer is rounded by itself. */
  readonly statistics: RoundingStatistics | undefined;
  /** The mean of each column's input as the batch normalizations state it (groups x columns), or why that is not known. */
  readonly expected: Float64Array | string;
}

/**
 * Changes scale or bias of a layer after its weights are rounded.
 *
 * What `correct` returns has one number for each output channel: a factor of the weight scale, or what is added to the
 * bias. A sentence instead says why the correction may not be made.
 */
export interface LayerCorrection extends NamedCorrection {
  readonly stage: 'layer';
  readonly changes: 'weight-scale' | 'bias';
  /** `statistics`: the layers are gone through one by one, on data. `expectations`: what the batch normalizations state. */
  readonly needs: 'statistics' | 'expectations';
  correct(rounded: RoundedLayer, evidence: LayerEvidence): Float64Array | string;
}

/** A correction of quantization error, or of what causes it. A plugin may add one. */
export type Correction = NetworkCorrection | LayerCorrection;

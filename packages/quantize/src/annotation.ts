import type { OpNode, QuantRole, Value } from '@bitwright/graph';
import type { GridConstraints } from './grid-constraints.js';
import type { PlannedLayer } from './layer-plan.js';
import type { QConfig } from './qconfig.js';

/**
 * The annotations that a table is compiled to, after PyTorch's PT2E quantizers: each says of one place how what passes
 * there is quantized. A place is a value as its producer makes it, or the edge by which one node reads it.
 */
export type Place =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'edge'; readonly value: Value; readonly node: OpNode; readonly index: number };

/** A grid of its own, chosen from the data. */
export interface QuantizationSpec {
  readonly kind: 'quantization';
  readonly config: QConfig;
  readonly constraints: GridConstraints;
}

/** A grid that does not depend on the data: it covers `constraints.fixedRange`. */
export interface FixedQParamsQuantizationSpec {
  readonly kind: 'fixed';
  readonly config: QConfig;
  readonly constraints: GridConstraints & { readonly fixedRange: readonly [number, number] };
}

/** The grid of another place: the values are moved, or the operator needs its operands on one grid. */
export interface SharedQuantizationSpec {
  readonly kind: 'shared';
  readonly with: Place;
}

/** Parameters that follow from those of two other places: an int32 bias has the scale s_x * s_w and zero point 0. */
export interface DerivedQuantizationSpec {
  readonly kind: 'derived';
  readonly from: readonly [input: Place, weight: Place];
  readonly bits: 32;
}

/** One annotation, and the layer whose entry demands it. */
export interface Annotation {
  readonly role: QuantRole;
  readonly place: Place;
  readonly spec:
    | QuantizationSpec
    | FixedQParamsQuantizationSpec
    | SharedQuantizationSpec
    | DerivedQuantizationSpec;
  readonly layer: PlannedLayer;
}

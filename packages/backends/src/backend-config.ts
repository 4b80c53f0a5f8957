/**
 * The vocabulary of backend tables, after PyTorch's `backend_config`: a table lists the operator patterns that a backend
 * executes in integers, and for each how its values are observed and which widths it takes. A table is data: frozen,
 * printable, equal in TypeScript and JSON, and holds no functions.
 */

/** How the output of a pattern relates to its input, in the words of torch.ao. */
export const OBSERVATION_TYPES = [
  'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT',
  'OUTPUT_SHARE_OBSERVER_WITH_INPUT',
  'INPUT_OUTPUT_NOT_OBSERVED',
] as const;

export type ObservationType = (typeof OBSERVATION_TYPES)[number];

/** What a backend accepts for one operand. */
export interface DTypeWithConstraints {
  /** Widths in bits that it takes. */
  readonly bits: readonly number[];
  /** Only symmetric grids (zero point 0, or the middle code). */
  readonly symmetric?: boolean;
  /** May have one scale per output channel; weights only. */
  readonly perChannel?: boolean;
  /** Fixed parameters: scale = `fixedRange` / 2^bits with zero point 0, whatever the data (sigmoid and softmax end at 1). */
  readonly fixedRange?: number;
}

/** One accepted combination of operand types. An operand that is left out stays float. */
export interface DTypeConfig {
  readonly input?: DTypeWithConstraints;
  readonly weight?: DTypeWithConstraints;
  readonly bias?: readonly BiasForm[];
  readonly output?: DTypeWithConstraints;
}

/** The forms of a bias. int32 has the scale s_x * s_w; int16 and int8 have scales of their own. */
export const BIAS_FORMS = ['int32', 'int16', 'int8', 'float'] as const;

export type BiasForm = (typeof BIAS_FORMS)[number];

/** One pattern that a backend executes. */
export interface BackendPatternConfig {
  /** Operator types in forward order; each must be the only reader of the one before it. */
  readonly pattern: readonly string[];
  /** The operator of the pattern whose inputs and weights are quantized. */
  readonly anchor: string;
  readonly observation: ObservationType;
  readonly dtypes: readonly DTypeConfig[];
  /** Whether a runtime that the tests run confirms the entry, or a vendor's page claims it. */
  readonly evidence?: 'probed' | 'cited';
}

/** A backend: its patterns and how its files are written. */
export interface BackendConfig {
  readonly name: string;
  readonly description: string;
  readonly entries: readonly BackendPatternConfig[];
  /** Bits of the first and last layer with weights, whatever was asked for elsewhere. */
  readonly firstLastBits?: number;
}

/** Widths that Bitwright quantizes to. */
export const ALL_WIDTHS = [2, 3, 4, 5, 6, 7, 8, 16] as const;

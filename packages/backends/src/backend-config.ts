/**
 * The vocabulary of backend tables, after PyTorch's `backend_config`: a table lists the operator patterns that a backend
 * executes in integers, and for each how its values are observed and which grids it takes. A table is data: frozen,
 * printable, equal in TypeScript and JSON, and holds no functions.
 */

/** Widths that Bitwright quantizes to. */
export const ALL_WIDTHS = [2, 3, 4, 5, 6, 7, 8, 16] as const;

/** How the output of a pattern relates to its input, in the words of torch.ao. */
export const OBSERVATION_TYPES = [
  'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT',
  'OUTPUT_SHARE_OBSERVER_WITH_INPUT',
  'INPUT_OUTPUT_NOT_OBSERVED',
] as const;

export type ObservationType = (typeof OBSERVATION_TYPES)[number];

/** The forms of a bias. int32 has the scale s_x * s_w; int16 and int8 have scales of their own. */
export const BIAS_FORMS = ['int32', 'int16', 'int8', 'float'] as const;

export type BiasForm = (typeof BIAS_FORMS)[number];

/** The element types that codes can be stored in. */
export const CARRIERS = ['uint8', 'int8', 'uint16', 'int16'] as const;

export type Carrier = (typeof CARRIERS)[number];

/** The dialects that a table may ask for. */
export const TABLE_DIALECTS = ['qdq', 'qcdq', 'native', 'qonnx'] as const;

export type TableDialect = (typeof TABLE_DIALECTS)[number];

/** Which inputs of the anchor are quantized where not all are. */
export type QuantizedInputs = 'residual' | readonly number[];

/** What a backend accepts for one operand, in the words of torch.ao where it has one. What is left out is free. */
export interface DTypeWithConstraints {
  /** Widths in bits that it takes. */
  readonly bits: readonly number[];
  /** Only symmetric grids: zero point 0, or the middle code of an unsigned grid. */
  readonly symmetric?: boolean;
  /** Always signed or always unsigned codes; free: unsigned, and signed where a symmetric grid has two sides. */
  readonly signed?: boolean;
  /** May have one scale per output channel; weights only. */
  readonly perChannel?: boolean;
  /** The only axis that per-channel scales may lie on; weights on another axis get one scale. */
  readonly channelAxis?: number;
  /** Fixed parameters: the range that the whole grid covers, whatever the data; scale = (high - low) / 2^bits. */
  readonly fixedRange?: readonly [low: number, high: number];
  /** Every scale is a power of two. */
  readonly powerOfTwo?: boolean;
  /** The smallest and the largest code that may be used. */
  readonly quantMinLowerBound?: number;
  readonly quantMaxUpperBound?: number;
  /** The smallest and the largest scale. */
  readonly scaleMinLowerBound?: number;
  readonly scaleMaxUpperBound?: number;
  /** The element type that codes are stored in; free: the dialect's choice. */
  readonly carrier?: Carrier;
}

/** One accepted combination of operand types. An operand that is left out stays float. */
export interface DTypeConfig {
  readonly input?: DTypeWithConstraints;
  readonly weight?: DTypeWithConstraints;
  /** The forms of bias that are accepted, the preferred one first. */
  readonly bias?: readonly BiasForm[];
  readonly output?: DTypeWithConstraints;
}

/** Where the truth of an entry comes from: a runtime that the tests run, or a page that claims it. */
export type Evidence = 'probed' | 'cited';

/** One pattern that a backend executes. */
export interface BackendPatternConfig {
  /** Operator types in forward order; each must be the only reader of the one before it. */
  readonly pattern: readonly string[];
  /** The operator of the pattern whose inputs and weights are quantized. */
  readonly anchor: string;
  readonly observation: ObservationType;
  /** The accepted combinations; the first that takes the widths is used. */
  readonly dtypes: readonly DTypeConfig[];
  /** Inputs of the anchor that are quantized; all by default. `residual`: the shortcut of an addition alone. */
  readonly quantizedInputs?: QuantizedInputs;
  /** Operands that must be on one grid. */
  readonly sameScale?: 'inputs' | 'inputs-and-output';
  readonly evidence?: Evidence;
  /** The page that claims it. */
  readonly source?: string;
  readonly note?: string;
}

/** A backend as the compiler uses it: a table with its presets, alternatives and base put in. */
export interface BackendConfig {
  readonly name: string;
  readonly description: string;
  readonly entries: readonly BackendPatternConfig[];
  /** The dialects that its files may be written in, the preferred one first; any by default. */
  readonly dialects?: readonly TableDialect[];
  /** Whether files carry the guards against ONNX Runtime's traps; `none` where another program reads them. */
  readonly guards?: 'onnxruntime' | 'none';
  /** Bits of the first and last layer with weights, whatever was asked for elsewhere. */
  readonly firstLastBits?: number;
  /** The page that most entries cite. */
  readonly source?: string;
}

/** An entry as an author writes it. */
export interface BackendTableEntry
  extends Omit<BackendPatternConfig, 'pattern' | 'anchor' | 'observation' | 'dtypes'> {
  /** Each place holds an operator type, or several of which any may stand there. */
  readonly pattern: readonly (string | readonly string[])[];
  /** The pattern's first operator by default. */
  readonly anchor?: string;
  /** `OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT` by default. */
  readonly observation?: ObservationType;
  /** Combinations, or names of presets. */
  readonly dtypes: readonly (DTypeConfig | string)[];
}

/** A backend as an author writes it, in TypeScript or as JSON: equal by value. */
export interface BackendTable extends Omit<BackendConfig, 'entries'> {
  readonly $schema?: string;
  /** The table that this one starts from; its own keys and entries win. */
  readonly extends?: string;
  /** Patterns of the base that this backend does not execute. */
  readonly remove?: readonly (readonly (string | readonly string[])[])[];
  /** Combinations of operand types by name. */
  readonly presets?: Readonly<Record<string, DTypeConfig>>;
  readonly entries: readonly BackendTableEntry[];
}

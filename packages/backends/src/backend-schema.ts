import * as z from 'zod';
import {
  ALL_WIDTHS,
  type BackendTable,
  BIAS_FORMS,
  CARRIERS,
  OBSERVATION_TYPES,
  TABLE_DIALECTS,
} from './backend-config.js';

const bit = z.union(ALL_WIDTHS.map((width) => z.literal(width)));
const bits = z.array(bit).describe('Widths in bits that it takes.');
const axis = z.number().int().nonnegative();
const code = z.number().int();
const scale = z.number().positive();

const constraints = z
  .strictObject({
    bits,
    symmetric: z
      .boolean()
      .describe('Only symmetric grids: zero point 0, or the middle code of an unsigned grid.'),
    signed: z.boolean().describe('Always signed (true) or always unsigned (false) codes.'),
    perChannel: z.boolean().describe('May have one scale per output channel; weights only.'),
    channelAxis: axis.describe(
      'The only axis that per-channel scales may lie on; other weights get one scale.',
    ),
    fixedRange: z
      .tuple([z.number(), z.number()])
      .describe('The range that the whole grid covers, whatever the data: scale = (high - low) / 2^bits.'),
    powerOfTwo: z.boolean().describe('Every scale is a power of two.'),
    quantMinLowerBound: code.describe('The smallest code that may be used.'),
    quantMaxUpperBound: code.describe('The largest code that may be used.'),
    scaleMinLowerBound: scale.describe('The smallest scale.'),
    scaleMaxUpperBound: scale.describe('The largest scale.'),
    carrier: z.enum(CARRIERS).describe('The element type that codes are stored in.'),
  })
  .partial()
  .required({ bits: true })
  .meta({ id: 'operand', description: 'What a backend accepts for one operand.' });

const dtypeConfig = z
  .strictObject({
    input: constraints,
    weight: constraints,
    bias: z.array(z.enum(BIAS_FORMS)).describe('The forms of bias that are accepted, the preferred first.'),
    output: constraints,
  })
  .partial()
  .meta({
    id: 'combination',
    description: 'One accepted combination of operand types; an operand that is left out stays float.',
  });

const pattern = z
  .array(z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]))
  .min(1)
  .meta({
    id: 'pattern',
    description:
      'Operator types in forward order; a list at a place means that any of them may stand there. Operators outside the standard set are written domain.OpType.',
  });

const entry = z
  .strictObject({
    pattern,
    anchor: z
      .string()
      .describe(
        "The operator whose inputs and weights are quantized; the pattern's first operator by default.",
      ),
    observation: z
      .enum(OBSERVATION_TYPES)
      .describe(
        "How the output's grid relates to the input's; OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT by default.",
      ),
    dtypes: z
      .array(z.union([z.string(), dtypeConfig]))
      .describe(
        'The accepted combinations, or names of presets; the first that takes the asked widths is used.',
      ),
    quantizedInputs: z
      .union([z.literal('residual'), z.array(axis).min(1)])
      .describe(
        'Inputs of the anchor that are quantized; all by default. residual: only the shortcut of an addition.',
      ),
    sameScale: z.enum(['inputs', 'inputs-and-output']).describe('Operands that must be on one grid.'),
    evidence: z
      .enum(['probed', 'cited'])
      .describe('probed: true on a runtime that tests run. cited: a page says so.'),
    source: z.url().describe('The page that claims it.'),
    note: z.string().describe('A remark for readers.'),
  })
  .partial()
  .required({ pattern: true, dtypes: true })
  .meta({ id: 'entry', description: 'One pattern that the backend executes in integers.' });

/** The schema of a backend table as it is written, in JSON or TypeScript. */
export const backendTableSchema = z
  .strictObject({
    $schema: z.string().describe('Where this schema lies, for editors.'),
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]*$/, 'a name is lower-case letters, digits and dashes')
      .describe('What --backend calls it: lower-case letters, digits and dashes.'),
    description: z.string().min(1).describe('One sentence that says what the backend is.'),
    extends: z
      .string()
      .describe(
        'The table that this one starts from: a name, or a file beside this one. Its own entries win.',
      ),
    remove: z.array(pattern).describe('Patterns of the base that this backend does not execute.'),
    dialects: z
      .array(z.enum(TABLE_DIALECTS))
      .min(1)
      .describe('The dialects that its files may be written in, the preferred one first.'),
    guards: z
      .enum(['onnxruntime', 'none'])
      .describe("Whether files carry the guards against ONNX Runtime's traps; onnxruntime by default."),
    firstLastBits: bit.describe('Bits of the first and the last layer with weights, whatever was asked for.'),
    source: z.url().describe('The page that cited entries without a source of their own refer to.'),
    presets: z.record(z.string(), dtypeConfig).describe('Combinations of operand types by name.'),
    entries: z.array(entry).describe('The patterns, with those of the base behind them.'),
  })
  .partial()
  .required({ name: true, description: true, entries: true })
  .meta({ title: 'Bitwright backend table' });

/** The JSON Schema that is published with the package as `backend.schema.json`. */
export function backendJsonSchema(): unknown {
  return z.toJSONSchema(backendTableSchema);
}

/** What zod found wrong in a table: the place, and the sentence. */
export interface SchemaIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The key that is not known at this place, and those that are. */
  readonly unknownKey?: string;
  readonly knownKeys?: readonly string[];
}

/** Holds a value against the schema. @returns the issues; none for a table that is well-formed. */
export function schemaIssues(value: unknown): SchemaIssue[] {
  const parsed = backendTableSchema.safeParse(value);
  if (parsed.success) return [];
  const issues = parsed.error.issues.flatMap((issue) => flattenIssue(issue, []));
  // a mistyped key often is the one that is missed elsewhere, so it is told first
  return issues.toSorted((a, b) => Number(b.unknownKey !== undefined) - Number(a.unknownKey !== undefined));
}

/** True for a value that the schema accepts. */
export function isBackendTable(value: unknown): value is BackendTable {
  return backendTableSchema.safeParse(value).success;
}

type Issue = z.core.$ZodIssue;

function flattenIssue(issue: Issue, above: readonly (string | number)[]): SchemaIssue[] {
  const path = [...above, ...(issue.path as (string | number)[])];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path,
      message: `'${key}' is no key of this place`,
      unknownKey: key,
      knownKeys: knownKeys(path),
    }));
  if (issue.code === 'invalid_union') {
    // the branch that got farthest is the one that was meant
    const branches = issue.errors.filter((branch) => branch.some(goesIn));
    const meant = branches[0];
    if (meant !== undefined) return meant.flatMap((inner) => flattenIssue(inner, path));
    return [{ path, message: unionMessage(path) }];
  }
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ path, message: isMissing ? 'it is missing' : issue.message }];
}

function goesIn(issue: Issue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys' || issue.code === 'invalid_value';
}

function unionMessage(path: readonly (string | number)[]): string {
  if (path.includes('bits') || path.at(-1) === 'firstLastBits')
    return `a width is one of ${ALL_WIDTHS.join(', ')}`;
  if (path.includes('dtypes')) return 'a combination is an object, or the name of a preset';
  if (path.at(-1) === 'quantizedInputs') return "it is 'residual' or a list of input numbers";
  return 'it is an operator type, or a list of them';
}

/** The keys that the schema knows at a place. */
function knownKeys(path: readonly (string | number)[]): string[] {
  const names = path.filter((part): part is string => typeof part === 'string');
  const last = names.at(-1);
  if (last === undefined) return Object.keys(backendTableSchema.shape);
  if (last === 'entries') return Object.keys(entry.shape);
  if (last === 'dtypes' || names.at(-2) === 'presets') return Object.keys(dtypeConfig.shape);
  return Object.keys(constraints.shape);
}

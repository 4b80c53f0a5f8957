import {
  BACKENDS,
  type BackendConfig,
  describeDemands,
  describeOperand,
  findBackend,
  loadBackendChecker,
  patternName,
} from '@bitwright/backends';

/** One object of the JSON Schema, as far as this page reads it. */
interface SchemaPart {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly items?: SchemaPart;
  readonly anyOf?: readonly SchemaPart[];
  readonly const?: string | number;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly required?: readonly string[];
  readonly $defs?: Readonly<Record<string, SchemaPart>>;
}

/** The reference of backend tables: the schema's keys, and what each table that ships says. */
export async function backendTablesPage(): Promise<string> {
  const { backendJsonSchema } = await loadBackendChecker();
  const schema = backendJsonSchema() as SchemaPart;
  const defs = schema.$defs ?? {};
  return [
    HEAD,
    '## The table',
    keys(schema, defs),
    '## An entry',
    keys(defs['entry']!, defs),
    '## A combination of types',
    keys(defs['combination']!, defs),
    '## The constraints of an operand',
    keys(defs['operand']!, defs),
    SOLVING,
    '## The tables that ship',
    SHIPPED,
    ...BACKENDS.map(({ name }) => tableSection(findBackend(name))),
  ]
    .join('\n\n')
    .concat('\n');
}

const HEAD = `# Backend tables

<!-- Made by docs/generate/backend-tables.ts; after a change run: npx vitest run test/docs/backend-tables.test.ts -u -->

A table says which operator patterns a backend executes in integers, and which grids each operand may have. It is data, in the
words of PyTorch's \`backend_config\`, and equal in JSON and TypeScript. Give one of yours with \`--backend FILE.json\` (or \`.ts\`
with a default export of \`defineBackend({ … })\`), as \`backend\` in a configuration file, or to \`quantize\`. How to write one:
[a table for your accelerator](../tutorials/a-table-for-your-accelerator.md). The JSON Schema lies in the package
\`@bitwright/backends\` as \`backend.schema.json\`; comments are allowed in a table's file.

**Precedence.** Longer patterns are tried before shorter ones, and entries of one length in the order of the table. With \`extends\`,
an entry replaces the base's entry of the same pattern, \`remove\` takes entries of the base away, all others are kept behind the
table's own, and the table's own keys win. \`extends\` names a table that ships, one of a plugin, or a file beside this one.`;

const SOLVING = `## How demands are solved

The table is compiled to annotations of places: a value as it is made, or the edge by which one node reads it. Places that share
a grid, and the edges of a value with the value itself, are put together by union-find, and their constraints are merged: both
sides hold. Where two sides contradict each other (widths, signs, a fixed range beside one from the data), the diagnostic
\`ANNOTATION_CONFLICT\` names both, and the edge is quantized again behind the value's quantizer.

Widths decide whether a layer is quantized: the first combination that takes them is used, and without one the layer stays float
with \`FLOAT_BITS\`. Of every other choice the table wins over the request, and \`BACKEND_NARROWS\` tells it.`;

const SHIPPED = `*Probed* entries are true on a runtime that the tests run: \`bitwright backends probe onnxruntime-cpu\` makes a model of each, loads
it in ONNX Runtime and reads back what is executed; a test compares that with the marks. *Cited* entries rest on the page that is
named, and nobody here has run them on the device.`;

function keys(
  { properties = {}, required = [] }: SchemaPart,
  defs: Readonly<Record<string, SchemaPart>>,
): string {
  const meaning = ({ description, $ref }: SchemaPart): string =>
    description ?? defs[$ref?.split('/').at(-1) ?? '']?.description ?? '';
  const rows = Object.entries(properties).map(
    ([key, part]) =>
      `| \`${key}\`${required.includes(key) ? ' (needed)' : ''} | ${typeOf(part)} | ${meaning(part)} |`,
  );
  return ['| key | value | meaning |', '|---|---|---|', ...rows].join('\n');
}

function typeOf(part: SchemaPart): string {
  if (part.$ref !== undefined)
    return (part.$ref.split('/').at(-1) ?? '').replace('combination', 'a combination');
  if (part.enum !== undefined) return part.enum.map((word) => `\`${word}\``).join(', ');
  if (part.const !== undefined) return `\`${part.const}\``;
  if (part.anyOf !== undefined) return [...new Set(part.anyOf.map(typeOf))].join(', ');
  if (part.type === 'array') return part.items === undefined ? 'list' : `list of ${typeOf(part.items)}`;
  return part.type ?? '';
}

function tableSection(backend: BackendConfig): string {
  const { name, description, dialects, guards, firstLastBits, source, entries } = backend;
  const facts = [
    ...(dialects === undefined ? [] : [`dialects ${dialects.join(', ')}`]),
    ...(guards === 'none' ? ["no guards against ONNX Runtime's traps"] : []),
    ...(firstLastBits === undefined ? [] : [`first and last layer at ${firstLastBits} bits`]),
  ];
  const rows = entries.flatMap((entry) =>
    entry.dtypes.map((dtype, index) => {
      const page = entry.source === undefined || entry.source === source ? '' : ` ([page](${entry.source}))`;
      const cells = [
        index === 0 ? patternName(entry.pattern) : '',
        describeOperand(dtype.input),
        describeOperand(dtype.weight),
        dtype.bias?.join(' ') ?? '',
        describeOperand(dtype.output),
        index === 0 ? describeDemands(entry) : '',
        index === 0 ? `${entry.evidence ?? ''}${page}` : '',
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  return [
    `### ${name}`,
    `${description}${facts.length === 0 ? '' : ` (${facts.join('; ')})`} Source: <${source}>`,
    [
      '| pattern | input | weight | bias | output | demands | evidence |',
      '|---|---|---|---|---|---|---|',
      ...rows,
    ].join('\n'),
  ].join('\n\n');
}

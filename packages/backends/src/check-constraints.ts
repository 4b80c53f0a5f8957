import type { BackendTable, BackendTableEntry, DTypeConfig, DTypeWithConstraints } from './backend-config.js';
import { type BackendFinding, error } from './check-backend.js';

type Path = readonly (string | number)[];

const CARRIER_BITS = { int8: 8, uint8: 8, int16: 16, uint16: 16 } as const;

/** Empty lists, and constraints on grids and scales that no scale can meet. */
export function checkConstraints(table: BackendTable): BackendFinding[] {
  const presets = table.presets ?? {};
  return [
    ...Object.entries(presets).flatMap(([name, dtype]) => checkDType(dtype, ['presets', name])),
    ...table.entries.flatMap((entry, index) => checkEntry(entry, index, presets)),
  ];
}

function checkEntry(
  entry: BackendTableEntry,
  index: number,
  presets: Readonly<Record<string, DTypeConfig>>,
): BackendFinding[] {
  const path = ['entries', index];
  if (entry.dtypes.length === 0)
    return [
      error(
        'BACKEND_DTYPES_EMPTY',
        [...path, 'dtypes'],
        'The entry accepts no combination of types, so it can never be used.',
        'Give a combination, or take the entry out: what no entry has stays float.',
      ),
    ];
  const dtypes = entry.dtypes.map((dtype) => (typeof dtype === 'string' ? presets[dtype] : dtype));
  return [
    ...entry.dtypes.flatMap((dtype, place) =>
      typeof dtype === 'string' ? [] : checkDType(dtype, [...path, 'dtypes', place]),
    ),
    ...checkShadowed(dtypes, path),
    ...checkSharing(entry, dtypes, path),
  ];
}

function checkDType(dtype: DTypeConfig, path: Path): BackendFinding[] {
  const operands = (['input', 'weight', 'output'] as const).flatMap((operand) =>
    dtype[operand] === undefined ? [] : checkOperand(dtype[operand], [...path, operand]),
  );
  if (dtype.weight !== undefined && dtype.bias?.length === 0)
    operands.push(
      error(
        'BACKEND_DTYPES_EMPTY',
        [...path, 'bias'],
        'No form of bias is accepted.',
        "Write ['float'] at least.",
      ),
    );
  if (dtype.bias?.length === 1 && dtype.bias[0] === 'int32' && dtype.input === undefined)
    operands.push(
      impossible(
        [...path, 'bias'],
        'an int32 bias has the scale s_x * s_w, and the input is not quantized',
        "Accept 'float', 'int16' or 'int8' too, or quantize the input.",
      ),
    );
  return operands;
}

function checkOperand(operand: DTypeWithConstraints, path: Path): BackendFinding[] {
  if (operand.bits.length === 0)
    return [
      error('BACKEND_DTYPES_EMPTY', [...path, 'bits'], 'The list of widths is empty.', 'Name a width.'),
    ];
  return [...checkScales(operand, path), ...checkCodes(operand, path), ...checkFixed(operand, path)];
}

function checkScales(operand: DTypeWithConstraints, path: Path): BackendFinding[] {
  const {
    scaleMinLowerBound: low = 0,
    scaleMaxUpperBound: high = Number.POSITIVE_INFINITY,
    powerOfTwo,
  } = operand;
  if (low > high)
    return [
      impossible(
        [...path, 'scaleMinLowerBound'],
        `no scale is at least ${low} and at most ${high}`,
        'Swap the two bounds.',
      ),
    ];
  if (powerOfTwo === true && low > 0 && 2 ** Math.ceil(Math.log2(low)) > high)
    return [
      impossible(
        [...path, 'powerOfTwo'],
        `no power of two lies between ${low} and ${high}`,
        'Widen the bounds.',
      ),
    ];
  return [];
}

function checkCodes(operand: DTypeWithConstraints, path: Path): BackendFinding[] {
  const { quantMinLowerBound: low, quantMaxUpperBound: high, carrier, bits } = operand;
  if ((low ?? 0) > 0 || (high ?? 1) <= 0)
    return [
      impossible(
        [...path, (low ?? 0) > 0 ? 'quantMinLowerBound' : 'quantMaxUpperBound'],
        'zero must be among the codes, and a code above it',
        'Lower quantMinLowerBound, or raise quantMaxUpperBound.',
      ),
    ];
  const wide = carrier === undefined ? undefined : bits.find((width) => width > CARRIER_BITS[carrier]);
  if (wide !== undefined)
    return [
      impossible(
        [...path, 'carrier'],
        `${carrier} does not hold codes of ${wide} bits`,
        'Take a wider carrier.',
      ),
    ];
  return [];
}

function checkFixed(operand: DTypeWithConstraints, path: Path): BackendFinding[] {
  const { fixedRange, bits, powerOfTwo, symmetric, signed } = operand;
  if (fixedRange === undefined) return [];
  const [low, high] = fixedRange;
  const place = [...path, 'fixedRange'];
  if (low > 0 || high <= low || high < 0)
    return [impossible(place, 'the range must rise and hold zero', 'Write for example [0, 1].')];
  if (symmetric === true && low !== -high && !(low === 0 && signed !== true))
    return [impossible(place, `a symmetric grid does not cover ${low} to ${high}`, 'Leave symmetric out.')];
  for (const width of bits) {
    const scale = (high - low) / 2 ** width;
    if (scale < (operand.scaleMinLowerBound ?? 0) || scale > (operand.scaleMaxUpperBound ?? scale))
      return [
        impossible(place, `its scale ${scale} at ${width} bits is out of the bounds`, 'Widen the bounds.'),
      ];
    if (powerOfTwo === true && !Number.isInteger(Math.log2(scale)))
      return [
        impossible(place, `its scale ${scale} at ${width} bits is no power of two`, 'Change the range.'),
      ];
    if (!Number.isInteger(low / scale))
      return [impossible(place, `zero is on no code of it at ${width} bits`, 'Change the range.')];
  }
  return [];
}

/** A combination behind another one that takes all of its widths is never used. */
function checkShadowed(dtypes: readonly (DTypeConfig | undefined)[], path: Path): BackendFinding[] {
  const covers = (a: DTypeWithConstraints | undefined, b: DTypeWithConstraints | undefined): boolean =>
    a === undefined || b?.bits.every((width) => a.bits.includes(width)) === true;
  return dtypes.flatMap((dtype, place) => {
    const earlier = dtypes
      .slice(0, place)
      .findIndex(
        (other) =>
          dtype !== undefined &&
          other !== undefined &&
          covers(other.input, dtype.input) &&
          covers(other.weight, dtype.weight) &&
          covers(other.output, dtype.output),
      );
    if (earlier < 0) return [];
    return [
      error(
        'BACKEND_ENTRY_UNREACHABLE',
        [...path, 'dtypes', place],
        `This combination is never used: dtypes[${earlier}] takes all of its widths before it.`,
        'Put the narrower combination first, or take it out.',
      ),
    ];
  });
}

function checkSharing(
  entry: BackendTableEntry,
  dtypes: readonly (DTypeConfig | undefined)[],
  path: Path,
): BackendFinding[] {
  const fixed = dtypes.some((dtype) => dtype?.output?.fixedRange !== undefined);
  const shares =
    entry.observation === 'OUTPUT_SHARE_OBSERVER_WITH_INPUT' || entry.sameScale === 'inputs-and-output';
  if (!fixed || !shares) return [];
  return [
    impossible(
      [...path, 'dtypes'],
      "the output has a fixed range, and must have the input's scale",
      'Leave one of the two out.',
    ),
  ];
}

function impossible(path: Path, why: string, hint: string): BackendFinding {
  return error('BACKEND_SCALE_IMPOSSIBLE', path, `These constraints can't be met: ${why}.`, hint);
}

/** The shortest decimal that reads back as the same float32; `inf`, `-inf` and `nan` for what is no number. */
export function printFloat32(value: number): string {
  const single = Math.fround(value);
  if (!Number.isFinite(single) || single === 0) return printDouble(single);
  if (Number.isInteger(single) && Math.abs(single) < 2 ** 24) return `${single}`;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return `${short}`;
  }
  return `${Number(single.toPrecision(9))}`;
}

/** The shortest decimal that reads back as the same double; `inf`, `-inf` and `nan` for what is no number. */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : `${value}`;
}

/** A float32 in a form that no reader takes for an integer: `1.0`, `2.5`, `1e-7`. */
export function printFloatLiteral(value: number): string {
  const text = printFloat32(value);
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}

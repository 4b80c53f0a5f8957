import type { ExportedIntegers } from './export-integers.js';
import type { ManifestLayer } from './manifest.js';
import type { NpyArray } from './npy.js';

/** The arrays of an export as one C99 header, with a comment over each layer that says how they are used. */
export function writeC({ manifest, arrays }: ExportedIntegers): string {
  const lines = [
    `/* ${comment(manifest.model)} for ${comment(manifest.hardware)}, written by bitwright export --as c. */`,
    '#ifndef BITWRIGHT_NETWORK_H',
    '#define BITWRIGHT_NETWORK_H',
    '#include <stdint.h>',
    '',
  ];
  for (const layer of manifest.layers) {
    lines.push(
      `/* ${String(layer.index).padStart(3, '0')} ${comment(layer.name)}: ${layer.kind}${describe(layer)} */`,
    );
    const prefix = `${String(layer.index).padStart(3, '0')}_`;
    for (const [name, array] of arrays)
      if (name.startsWith(prefix)) lines.push(declaration(`layer_${name}`, array));
    lines.push('');
  }
  lines.push('#endif', '');
  return lines.join('\n');
}

function describe(layer: ManifestLayer): string {
  const parts = [`reads ${layer.inputs.map(comment).join(', ')}`];
  if (layer.inputGrid) parts.push(`input zero point ${layer.inputGrid.zeroPoint}`);
  if (layer.outputGrid) parts.push(`output zero point ${layer.outputGrid.zeroPoint}`);
  if (layer.low !== undefined) parts.push(`codes ${layer.low} to ${layer.high}`);
  if (layer.strides)
    parts.push(
      `strides ${layer.strides.join(' ')}, pads ${layer.pads!.join(' ')}, groups ${layer.groups ?? 1}`,
    );
  if (layer.requantize) parts.push(`requantization ${layer.requantize.kind}`);
  return `; ${parts.join('; ')}`;
}

/** A name can't end the comment that it stands in. */
function comment(text: string): string {
  return text.replaceAll('*/', '* /');
}

function declaration(name: string, { dims, data }: NpyArray): string {
  const type = typeOf(data);
  const isFloat = type === 'float' || type === 'double';
  const digits = type === 'float' ? 9 : 17;
  const values = Array.from(data, (value) => (isFloat ? number(value, digits, type) : literal(value)));
  const rows: string[] = [];
  for (let i = 0; i < values.length; i += 16) rows.push(`  ${values.slice(i, i + 16).join(', ')}`);
  return `static const ${type} ${name}[${Math.max(data.length, 1)}] = { /* [${dims.join(', ')}] */\n${rows.join(',\n') || '  0'}\n};`;
}

/** -2^31 is no literal of its own in C. */
function literal(value: number): string {
  return value === -(2 ** 31) ? '(-2147483647 - 1)' : String(value);
}

function number(value: number, digits: number, type: string): string {
  const text = value.toPrecision(digits);
  const withPoint = /[.e]/.test(text) ? text : `${text}.0`;
  return type === 'float' ? `${withPoint}f` : withPoint;
}

function typeOf(data: NpyArray['data']): string {
  if (data instanceof Float32Array) return 'float';
  if (data instanceof Float64Array) return 'double';
  const unsigned = data instanceof Uint8Array || data instanceof Uint16Array ? 'u' : '';
  return `${unsigned}int${8 * data.BYTES_PER_ELEMENT}_t`;
}

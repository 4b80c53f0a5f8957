import type { ExportedIntegers } from './export-integers.js';

/**
 * The integer arrays of an export as memory images for `$readmemh`: one word a line in two's complement, in C order, with a
 * comment that states shape and width. Weights and biases have their own widths, everything else that of its element type.
 */
export function writeMemh({ manifest, arrays }: ExportedIntegers): Map<string, string> {
  const widths = new Map<string, number>();
  for (const layer of manifest.layers) {
    if (layer.weights !== undefined) widths.set(layer.weights, layer.weightBits!);
    if (layer.biasCodes !== undefined) widths.set(layer.biasCodes, layer.biasBits!);
  }
  const files = new Map<string, string>();
  for (const [name, { dims, data }] of arrays) {
    if (data instanceof Float32Array || data instanceof Float64Array) continue;
    const bits = widths.get(name) ?? 8 * data.BYTES_PER_ELEMENT;
    const digits = Math.ceil(bits / 4);
    const span = 2 ** bits;
    const words = Array.from(data, (value) =>
      (value < 0 ? value + span : value).toString(16).padStart(digits, '0'),
    );
    files.set(`${name}.memh`, `// [${dims.join(', ')}], ${bits} bits\n${words.join('\n')}\n`);
  }
  return files;
}

import type { ByteSource } from '@bitwright/core';

/** The text of a UTF-8 source, without a byte order mark. */
export function readText(source: ByteSource): string {
  return new TextDecoder().decode(source.read(0, source.size));
}

/** The lines of a UTF-8 source; an end of line at the very end begins no further line. */
export function readLines(source: ByteSource): readonly string[] {
  const lines = readText(source).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

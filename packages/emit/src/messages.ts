import type { ProtoMessage, StringStringEntryProto } from '@bitwright/onnx';

/** A copy of a message with some fields replaced; undefined and empty lists leave the field out, as on the wire. */
export function replaced<T extends ProtoMessage>(
  message: T,
  fields: { readonly [K in keyof T]?: T[K] | undefined },
): T {
  const kept: [string, unknown][] = Object.entries({ ...message, ...fields }).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept) as ProtoMessage as T;
}

/** A text field that says the same as before stays as it was, absent or empty; a new empty one is left out. */
export function keptText(before: string | undefined, now: string): string | undefined {
  if ((before ?? '') === now) return before;
  return now === '' ? undefined : now;
}

/** The domain as the graph spells it: '' for the standard one, which files also call `ai.onnx` or leave out. */
export function normalDomain(domain: string | undefined): string {
  return domain === undefined || domain === 'ai.onnx' ? '' : domain;
}

/** The key-value pairs of a message; of a repeated key the last. */
export function propertiesOf(entries: readonly StringStringEntryProto[] = []): Map<string, string> {
  return new Map(entries.map(({ key, value }) => [key ?? '', value ?? '']));
}

/** Keeps the file's entries (in order, repeated keys too) as far as they still hold. */
export function emitProperties(
  properties: ReadonlyMap<string, string>,
  before: readonly StringStringEntryProto[],
): StringStringEntryProto[] {
  const captured = propertiesOf(before);
  const holds = ({ key = '' }: StringStringEntryProto): boolean => captured.get(key) === properties.get(key);
  const entries = before.filter(holds);
  for (const [key, value] of properties) if (captured.get(key) !== value) entries.push({ key, value });
  return entries;
}

import type { ProtoMessage } from '@bitwright/onnx';

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

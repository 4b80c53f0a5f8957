import type { BackendTable } from './backend-config.js';

/** Gives a table written in TypeScript its types, and freezes it. */
export function defineBackend<const T extends BackendTable>(table: T): T {
  return deepFreeze(table);
}

/** Freezes a value and all that it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

import { didYouMean } from '@bitwright/core';
import type { Value } from '../value.js';
import type { Lexer, Token } from './lexer.js';

/** The values that a name may mean at a place of the text: those of the graph so far, then those around it. */
export class Scope {
  readonly #values = new Map<string, Value>();

  constructor(
    readonly lexer: Lexer,
    readonly around: Scope | undefined,
  ) {}

  /** @throws TEXT_DUPLICATE_VALUE when the graph has the name already. */
  declare(at: Token, name: string, value: Value): void {
    if (this.#values.has(name)) {
      this.lexer.fail(
        at,
        `the value '${name}' is made twice`,
        'TEXT_DUPLICATE_VALUE',
        'Give each value of a graph its own name.',
      );
    }
    this.#values.set(name, value);
  }

  /** @throws TEXT_UNKNOWN_VALUE when nothing of that name was made before. */
  read(at: Token): Value {
    const value = this.find(at.text);
    if (value !== undefined) return value;
    const known: string[] = [];
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.around)
      known.push(...scope.#values.keys());
    const hint = `Values must be made before they are read. ${didYouMean(at.text, known)}`;
    return this.lexer.fail(at, `there is no value '${at.text}' here`, 'TEXT_UNKNOWN_VALUE', hint);
  }

  find(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.around) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

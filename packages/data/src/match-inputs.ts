import { BitwrightError, didYouMean } from '@bitwright/core';
import type { InputSpec } from './input-spec.js';
import type { MatchedInput } from './sample-reader.js';

/**
 * Brings a card's `inputs` and the model's inputs together; `*` stands for the only one.
 *
 * @throws DATA_INPUT_NAME for a name that the model does not have, a model input that the card leaves out, and `*` for a
 *   model of several inputs; each lists the model's inputs.
 */
export function matchInputs<T>(
  given: Readonly<Record<string, T>>,
  specs: readonly InputSpec[],
  card: string,
): readonly MatchedInput<T>[] {
  const names = specs.map((spec) => spec.name);
  const list = names.map((name) => `'${name}'`).join(', ');
  const keys = Object.keys(given);
  const star = keys.includes('*') && !names.includes('*');
  if (star && (specs.length !== 1 || keys.length > 1)) {
    throw inputError(
      card,
      '*',
      keys.length > 1
        ? "'*' stands beside other input names."
        : `'*' stands for the only input, and the model has ${specs.length}: ${list}.`,
      'Name each of the inputs in the card.',
    );
  }
  for (const key of keys) {
    if (names.includes(key) || (star && key === '*')) continue;
    throw inputError(card, key, `The model has no input '${key}'; it has ${list}.`, didYouMean(key, names));
  }
  return specs.map((spec) => {
    const key = star ? '*' : spec.name;
    if (Object.hasOwn(given, key)) return { spec, from: given[key]! };
    throw inputError(
      card,
      spec.name,
      `The card does not say how the model's input '${spec.name}' is filled.`,
      `Add inputs.${spec.name} to the card (the model's inputs: ${list}).`,
    );
  });
}

function inputError(card: string, name: string, message: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_INPUT_NAME',
    message: `${message} ('${card}')`,
    hint,
    at: { file: card, value: name, option: `inputs.${name}` },
  });
}

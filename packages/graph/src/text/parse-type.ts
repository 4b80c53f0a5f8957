import { type DType, isDtype } from '@bitwright/core';
import type { Dim, ValueType } from '../value.js';
import type { Lexer, Token } from './lexer.js';
import { TYPE_WORDS } from './names.js';

/** True when a bare word comes next that opens a type. */
export function seesType(lexer: Lexer): boolean {
  const { kind, text } = lexer.peek();
  return kind === 'name' && (isDtype(text) || TYPE_WORDS.has(text));
}

/** Reads a type; see `printType` for the forms. */
export function parseType(lexer: Lexer): ValueType {
  const word = lexer.take('name', 'a type');
  if (word.text === 'opaque') {
    lexer.expect('(');
    if (!lexer.sees(')')) failUnsupported(lexer, word);
    lexer.expect(')');
    return { kind: 'other' };
  }
  const dtype = dtypeOf(lexer, word);
  return { kind: 'tensor', dtype, shape: lexer.accept('[') ? parseShape(lexer) : [] };
}

function dtypeOf(lexer: Lexer, word: Token): DType | undefined {
  if (isDtype(word.text)) return word.text;
  if (word.text === 'undefined') return undefined;
  if (TYPE_WORDS.has(word.text)) failUnsupported(lexer, word);
  return lexer.fail(word, `'${word.text}' is no type`);
}

function failUnsupported(lexer: Lexer, word: Token): never {
  lexer.fail(
    word,
    `the type '${word.text}(…)' is not carried by the text form, which writes opaque() for it`,
  );
}

function parseShape(lexer: Lexer): readonly Dim[] | undefined {
  if (lexer.accept(']')) return undefined;
  const dims: Dim[] = [];
  do dims.push(parseDim(lexer));
  while (lexer.accept(','));
  lexer.expect(']');
  return dims;
}

function parseDim(lexer: Lexer): Dim {
  if (lexer.accept('?')) return undefined;
  if (lexer.peek().kind !== 'int') return lexer.takeName('a dimension').text;
  const token = lexer.next();
  const size = Number(token.text);
  return Number.isSafeInteger(size) ? size : lexer.fail(token, `the dimension ${token.text} is too large`);
}

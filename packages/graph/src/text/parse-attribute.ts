import type { Attribute, AttributeInt } from '../attribute.js';
import type { Graph } from '../graph.js';
import type { Lexer, Token } from './lexer.js';
import { isFloatWord } from './names.js';
import { failElided, numberOf, parseElements, parseInteger } from './parse-tensor.js';
import { parseType, seesType } from './parse-type.js';

type Single = Extract<Attribute, { type: 'float' | 'int' | 'string' | 'tensor' | 'graph' }>;
type SingleType = Single['type'];

const LIST_TYPES = {
  floats: 'float',
  ints: 'int',
  strings: 'string',
  tensors: 'tensor',
  graphs: 'graph',
} as const;
type ListType = keyof typeof LIST_TYPES;

/**
 * Reads what stands behind an attribute's name: `: type`, which may be left out where the value tells it, `=`, value.
 *
 * @param body reads the graph of the name that was just taken.
 */
export function parseAttribute(lexer: Lexer, body: (name: Token) => Graph): Attribute {
  const type = lexer.accept(':') ? parseAttributeType(lexer) : undefined;
  lexer.expect('=');
  if (lexer.sees('[')) return parseList(lexer, type, body);
  const at = lexer.peek();
  if (type !== undefined && isListType(type)) lexer.failExpected(`a list of ${type}`);
  return cast(lexer, at, parseSingle(lexer, body), type);
}

function parseAttributeType(lexer: Lexer): SingleType | ListType {
  const word = lexer.take('name', 'the type of an attribute');
  if (word.text === 'other') {
    lexer.expect('=');
    lexer.expect('{');
    failElided(lexer);
  }
  const single = Object.values(LIST_TYPES).find((type) => type === word.text);
  if (single !== undefined) return single;
  if (isListType(word.text)) return word.text;
  return lexer.fail(word, `attributes of type '${word.text}' are not carried by the text form`);
}

function isListType(word: string): word is ListType {
  return Object.hasOwn(LIST_TYPES, word);
}

function parseSingle(lexer: Lexer, body: (name: Token) => Graph): Single {
  if (seesType(lexer)) return parseTensor(lexer);
  const token = lexer.peek();
  switch (token.kind) {
    case 'name':
    case 'string':
      lexer.next();
      if (lexer.sees('(')) return { type: 'graph', value: body(token) };
      if (token.kind === 'string') return { type: 'string', value: token.text };
      if (isFloatWord(token.text)) return { type: 'float', value: numberOf(token) };
      return lexer.fail(token, `'${token.text}' is no value of an attribute`);
    case 'int':
      return { type: 'int', value: parseInt64(lexer) };
    case 'float':
      return { type: 'float', value: Math.fround(numberOf(lexer.next())) };
    default:
      if (lexer.sees('@'))
        lexer.fail(token, 'references to attributes of a function are not carried by the text form');
      return lexer.failExpected('the value of an attribute');
  }
}

function parseInt64(lexer: Lexer): AttributeInt {
  const value = parseInteger(lexer, 64, true);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function parseTensor(lexer: Lexer): Single {
  const at = lexer.peek();
  const type = parseType(lexer);
  const { kind } = lexer.peek();
  if (kind === 'name' || kind === 'string')
    lexer.fail(lexer.peek(), 'names of tensors in attributes are not carried by the text form');
  if (!lexer.accept('=') && !lexer.sees('{'))
    lexer.fail(at, 'attributes that are types are not carried by the text form');
  return { type: 'tensor', value: parseElements(lexer, type, at) };
}

/** An integer may stand for a float where a float is asked for. */
function cast(lexer: Lexer, at: Token, value: Single, type: SingleType | undefined): Single {
  if (type === undefined || value.type === type) return value;
  if (type === 'float' && value.type === 'int') return { type, value: Math.fround(Number(value.value)) };
  return lexer.fail(at, `expected a value of type ${type} and found one of type ${value.type}`);
}

function parseList(
  lexer: Lexer,
  type: SingleType | ListType | undefined,
  body: (name: Token) => Graph,
): Attribute {
  const at = lexer.expect('[');
  if (type !== undefined && !isListType(type)) lexer.fail(at, `expected one ${type} and found a list`);
  const items: Single[] = [];
  if (!lexer.accept(']')) {
    do {
      const item = lexer.peek();
      const wanted = type === undefined ? items[0]?.type : LIST_TYPES[type];
      items.push(cast(lexer, item, parseSingle(lexer, body), wanted));
    } while (lexer.accept(','));
    lexer.expect(']');
  } else if (type === undefined) {
    lexer.fail(at, "an empty list needs its type: 'name: ints = []'");
  }
  return listOf(LIST_TYPES[type ?? (`${items[0]!.type}s` as ListType)], items);
}

function listOf(type: SingleType, items: readonly Single[]): Attribute {
  switch (type) {
    case 'float':
      return { type: 'floats', value: items.flatMap((item) => (item.type === type ? [item.value] : [])) };
    case 'int':
      return { type: 'ints', value: items.flatMap((item) => (item.type === type ? [item.value] : [])) };
    case 'string':
      return { type: 'strings', value: items.flatMap((item) => (item.type === type ? [item.value] : [])) };
    case 'tensor':
      return { type: 'tensors', value: items.flatMap((item) => (item.type === type ? [item.value] : [])) };
    case 'graph':
      return { type: 'graphs', value: items.flatMap((item) => (item.type === type ? [item.value] : [])) };
  }
}

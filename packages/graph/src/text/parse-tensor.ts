import {
  DenseTensor,
  DTYPES,
  type DType,
  elementCount,
  LazyTensor,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import type { ValueType } from '../value.js';
import type { Lexer, Token } from './lexer.js';
import { isFloatWord } from './names.js';

const ELIDED_HINT = 'Print the model without maxElements, or write the elements out.';

/** Reads the elements of a tensor of a known type; see `printElements` for the forms. @throws TEXT_ELIDED for `{...}`. */
export function parseElements(lexer: Lexer, type: ValueType, at: Token): Tensor {
  if (type.kind !== 'tensor' || type.dtype === undefined)
    lexer.fail(at, 'a tensor needs the type of its elements');
  const { dtype, shape } = type;
  const dims = shape?.filter((dim) => typeof dim === 'number' && dim >= 0) as number[] | undefined;
  if (dims === undefined || dims.length !== shape?.length)
    lexer.fail(at, 'a tensor needs a shape of numbers');
  if (lexer.sees('[')) lexer.fail(lexer.peek(), 'external data is not carried by the text form');
  lexer.expect('{');
  if (lexer.sees('...')) failElided(lexer);
  const data = collect(lexer, dtype);
  const needed = elementCount(dims) * (isComplex(dtype) ? 2 : 1);
  if (data.length !== needed) lexer.fail(at, `the tensor needs ${needed} elements and has ${data.length}`);
  // A dense tensor counts a complex number as one element, and its storage as two.
  return isComplex(dtype) ? new LazyTensor(dtype, dims, () => data) : new DenseTensor(dtype, dims, data);
}

/** Rejects `{...}`, which stands where something was left out. */
export function failElided(lexer: Lexer): never {
  lexer.fail(
    lexer.peek(),
    'what stood here was elided when the text was printed',
    'TEXT_ELIDED',
    ELIDED_HINT,
  );
}

function isComplex(dtype: DType): boolean {
  return dtype === 'complex64' || dtype === 'complex128';
}

function collect(lexer: Lexer, dtype: DType): TensorData {
  if (dtype === 'string') return elements(lexer, () => parseBytes(lexer));
  if (dtype === 'int64') return BigInt64Array.from(elements(lexer, () => parseInteger(lexer, 64, true)));
  if (dtype === 'uint64') return BigUint64Array.from(elements(lexer, () => parseInteger(lexer, 64, false)));
  if (dtype === 'float' || dtype === 'complex64')
    return Float32Array.from(elements(lexer, () => parseNumber(lexer)));
  if (dtype === 'double' || dtype === 'complex128')
    return Float64Array.from(elements(lexer, () => parseNumber(lexer)));
  const { bits } = DTYPES[dtype];
  const signed = dtype.startsWith('int');
  const codes = elements(lexer, () => Number(parseInteger(lexer, bits, signed)));
  if (bits <= 8) return signed ? Int8Array.from(codes) : Uint8Array.from(codes);
  if (bits === 16) return signed ? Int16Array.from(codes) : Uint16Array.from(codes);
  return signed ? Int32Array.from(codes) : Uint32Array.from(codes);
}

function elements<T>(lexer: Lexer, parse: () => T): T[] {
  const list: T[] = [];
  if (lexer.accept('}')) return list;
  do list.push(parse());
  while (lexer.accept(','));
  lexer.expect('}');
  return list;
}

function parseBytes(lexer: Lexer): Uint8Array {
  if (lexer.peek().kind !== 'hex') return new TextEncoder().encode(lexer.take('string', 'a string').text);
  const digits = lexer.next().text;
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Reads an integer that must fit a width. */
export function parseInteger(lexer: Lexer, bits: number, signed: boolean): bigint {
  const token = lexer.take('int', 'an integer');
  const value = BigInt(token.text);
  const kept = signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  if (kept === value) return value;
  return lexer.fail(token, `${token.text} does not fit ${bits} bits, ${signed ? 'signed' : 'unsigned'}`);
}

/** Reads a number of any kind: `1`, `2.5`, `1e-7`, `-inf`, `nan`. */
export function parseNumber(lexer: Lexer): number {
  const token = lexer.peek();
  if (token.kind === 'int' || token.kind === 'float' || (token.kind === 'name' && isFloatWord(token.text)))
    return numberOf(lexer.next());
  return lexer.failExpected('a number');
}

/** The number that a token stands for. */
export function numberOf({ text }: Token): number {
  if (!isFloatWord(text)) return Number(text);
  if (/nan/i.test(text)) return Number.NaN;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

import { BitwrightError } from '@bitwright/core';

/** What a piece of text is. `hex` are the digits of bytes, `x"ff00"`. */
export type TokenKind = 'name' | 'string' | 'hex' | 'int' | 'float' | 'mark' | 'end';

/** A piece of text. `text` of a string is without quotes and escapes. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly offset: number;
}

const SPACE = /\s*/y;
const HEX = /x"((?:[0-9A-Fa-f]{2})*)"/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?/y;
const MINUS_WORD = /-(?:infinity|inf|nan)(?![A-Za-z0-9_])/iy;
const MARKS = new Set(['<', '>', '(', ')', '[', ']', '{', '}', '=', ',', ':', '.', '?', '@']);

/** Cuts the text form into tokens, one ahead, and says where in the text an error lies. */
export class Lexer {
  #at = 0;
  #ahead: Token | undefined;

  constructor(
    readonly text: string,
    /** The name of the text in errors. */
    readonly file?: string,
  ) {}

  peek(): Token {
    this.#ahead ??= this.#scan();
    return this.#ahead;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    return token;
  }

  /** True when a mark comes next, which is not taken. */
  sees(mark: string): boolean {
    const token = this.peek();
    return token.kind === 'mark' && token.text === mark;
  }

  /** Takes a mark if it comes next. */
  accept(mark: string): boolean {
    if (!this.sees(mark)) return false;
    this.next();
    return true;
  }

  /** Takes a mark that must come next. */
  expect(mark: string): Token {
    return this.sees(mark) ? this.next() : this.failExpected(`'${mark}'`);
  }

  /** Takes a token of a kind that must come next. */
  take(kind: TokenKind, what: string): Token {
    return this.peek().kind === kind ? this.next() : this.failExpected(what);
  }

  /** Takes a name, bare or quoted, that must come next. */
  takeName(what: string): Token {
    const { kind } = this.peek();
    return kind === 'name' || kind === 'string' ? this.next() : this.failExpected(what);
  }

  failExpected(what: string): never {
    const found = this.peek();
    this.fail(found, `expected ${what} and found ${found.kind === 'end' ? 'the end' : `'${found.text}'`}`);
  }

  /** @param code another one than `TEXT_SYNTAX`, with its remedy. */
  fail(
    { offset }: { readonly offset: number },
    why: string,
    code = 'TEXT_SYNTAX',
    hint = 'Write it as printModule prints it: in a subset of the ONNX textual syntax.',
  ): never {
    const lines = this.text.slice(0, offset).split('\n');
    throw new BitwrightError({
      code,
      message: `The text is not valid at line ${lines.length}, column ${lines.at(-1)!.length + 1}: ${why}.`,
      hint,
      ...(this.file !== undefined && { at: { file: this.file } }),
    });
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #scan(): Token {
    this.#match(SPACE);
    const { text } = this;
    const offset = this.#at;
    if (offset >= text.length) return { kind: 'end', text: '', offset };
    if (text[offset] === '"') return this.#string(offset);
    const hex = this.#match(HEX);
    if (hex !== null) return { kind: 'hex', text: hex[1]!, offset };
    const name = this.#match(NAME);
    if (name !== null) return { kind: 'name', text: name[0], offset };
    const number = this.#match(NUMBER);
    if (number !== null) {
      const isFloat = number[1] !== undefined || number[2] !== undefined;
      return { kind: isFloat ? 'float' : 'int', text: number[0], offset };
    }
    const word = this.#match(MINUS_WORD);
    if (word !== null) return { kind: 'float', text: word[0], offset };
    return this.#mark(offset);
  }

  #mark(offset: number): Token {
    const mark = ['=>', '...'].find((long) => this.text.startsWith(long, offset)) ?? this.text[offset]!;
    if (mark.length === 1 && !MARKS.has(mark)) this.fail({ offset }, `'${mark}' means nothing here`);
    this.#at += mark.length;
    return { kind: 'mark', text: mark, offset };
  }

  #string(offset: number): Token {
    const parts: string[] = [];
    let from = offset + 1;
    for (let at = from; at < this.text.length; at++) {
      const char = this.text[at];
      if (char === '\\') {
        parts.push(this.text.slice(from, at));
        from = ++at;
      } else if (char === '"') {
        parts.push(this.text.slice(from, at));
        this.#at = at + 1;
        return { kind: 'string', text: parts.join(''), offset };
      }
    }
    return this.fail({ offset }, 'a string is not closed');
  }
}

import { didYouMean } from '@bitwright/core';
import { GraphModule } from '../graph-module.js';
import { Lexer } from './lexer.js';
import { parseGraph } from './parse-graph.js';

/**
 * Reads the text form of a model, as `printModule` writes it: a subset of the ONNX textual syntax. Values are read only
 * after they are made. What the subset leaves out is an error, never skipped.
 *
 * @param file the name of the text in errors.
 * @throws TEXT_SYNTAX with line and column; TEXT_UNKNOWN_VALUE, TEXT_DUPLICATE_VALUE, TEXT_ELIDED likewise.
 */
export function parseModule(text: string, file?: string): GraphModule {
  const lexer = new Lexer(text, file);
  const module = new GraphModule();
  if (lexer.accept('<')) parseHeader(lexer, module);
  module.graph = parseGraph(lexer);
  if (lexer.peek().kind !== 'end')
    lexer.fail(lexer.peek(), 'expected the end: functions are not carried by the text form');
  return module;
}

const FIELDS: Readonly<Record<string, (lexer: Lexer, module: GraphModule) => void>> = {
  ir_version: (lexer, module) => {
    module.irVersion = parseVersion(lexer);
  },
  opset_import: (lexer, module) => parsePairs(lexer, module.opsets, parseVersion),
  producer_name: (lexer, module) => {
    module.producerName = parseString(lexer);
  },
  producer_version: (lexer, module) => {
    module.producerVersion = parseString(lexer);
  },
  metadata_props: (lexer, module) => parsePairs(lexer, module.metadataProps, parseString),
};

function parseHeader(lexer: Lexer, module: GraphModule): void {
  const seen = new Set<string>();
  do {
    const key = lexer.take('name', 'a field of the model');
    const parse = Object.hasOwn(FIELDS, key.text) ? FIELDS[key.text] : undefined;
    if (parse === undefined) {
      const hint = didYouMean(key.text, Object.keys(FIELDS));
      lexer.fail(key, `the field '${key.text}' is not carried by the text form`, 'TEXT_SYNTAX', hint);
    }
    if (seen.has(key.text)) lexer.fail(key, `the field '${key.text}' is given twice`);
    seen.add(key.text);
    lexer.expect(':');
    parse(lexer, module);
  } while (lexer.accept(','));
  lexer.expect('>');
}

function parseVersion(lexer: Lexer): number {
  const token = lexer.take('int', 'a version');
  const version = Number(token.text);
  return Number.isSafeInteger(version) ? version : lexer.fail(token, `${token.text} is no version`);
}

function parseString(lexer: Lexer): string {
  return lexer.take('string', 'a string').text;
}

function parsePairs<T>(lexer: Lexer, into: Map<string, T>, parse: (lexer: Lexer) => T): void {
  lexer.expect('[');
  if (lexer.accept(']')) return;
  do {
    const key = lexer.take('string', 'a string');
    if (into.has(key.text)) lexer.fail(key, `'${key.text}' is given twice`);
    lexer.expect(':');
    into.set(key.text, parse(lexer));
  } while (lexer.accept(','));
  lexer.expect(']');
}

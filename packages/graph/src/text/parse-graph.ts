import { type Attribute, Attributes } from '../attribute.js';
import { Graph } from '../graph.js';
import type { OpNode } from '../node.js';
import type { ValueType } from '../value.js';
import type { Lexer, Token } from './lexer.js';
import { parseAttribute } from './parse-attribute.js';
import { parseElements } from './parse-tensor.js';
import { parseType, seesType } from './parse-type.js';
import { printType } from './print-type.js';
import { Scope } from './scope.js';

const MAX_DEPTH = 64;

/** A name in a list of inputs, outputs or types. */
interface TypedName {
  readonly name: Token;
  readonly type: ValueType | undefined;
}

/** Reads a main graph, its name first. */
export function parseGraph(lexer: Lexer): Graph {
  const graph = new Graph(lexer.takeName('the name of a graph').text);
  new GraphParser(lexer, graph, new Scope(lexer, undefined), 0).run();
  return graph;
}

/** Reads what stands behind a graph's name: inputs, outputs, initializers and types, nodes. */
class GraphParser {
  constructor(
    readonly lexer: Lexer,
    readonly graph: Graph,
    readonly scope: Scope,
    readonly depth: number,
  ) {}

  run(): void {
    const { lexer, graph, scope } = this;
    for (const { name, type } of this.#typedNames()) {
      scope.declare(name, name.text, graph.placeholder(name.text, type).output);
    }
    lexer.expect('=>');
    const outputs = this.#typedNames();
    const types = this.#header();
    lexer.expect('{');
    while (!lexer.accept('}')) this.#node();
    for (const { name, type } of [...types, ...outputs]) this.#setType(name, type);
    graph.setOutputs(outputs.map(({ name }) => scope.read(name)));
  }

  #typedNames(): TypedName[] {
    const { lexer } = this;
    const list: TypedName[] = [];
    lexer.expect('(');
    if (lexer.accept(')')) return list;
    do {
      const type = seesType(lexer) ? parseType(lexer) : undefined;
      list.push({ name: this.#named('an input or output'), type });
      if (lexer.sees('=')) {
        lexer.fail(
          lexer.peek(),
          'an input with a default value is not carried by the text form; an initializer goes into the <…> list',
        );
      }
    } while (lexer.accept(','));
    lexer.expect(')');
    return list;
  }

  #named(what: string): Token {
    const token = this.lexer.takeName(`the name of ${what}`);
    return token.text === '' ? this.lexer.fail(token, `${what} needs a name`) : token;
  }

  /** Makes the initializers, and returns the types that are told of other values. */
  #header(): TypedName[] {
    const { lexer, graph, scope } = this;
    const types: TypedName[] = [];
    if (!lexer.accept('<') || lexer.accept('>')) return types;
    do {
      const at = lexer.peek();
      const type = parseType(lexer);
      const name = this.#named('an initializer or value');
      if (lexer.accept('=')) {
        const { output } = graph.getAttr(name.text, parseElements(lexer, type, at));
        // Sibling bodies may hold initializers of the same name, which getAttr tells apart.
        graph.rename(output, name.text);
        scope.declare(name, name.text, output);
      } else types.push({ name, type });
    } while (lexer.accept(','));
    lexer.expect('>');
    return types;
  }

  #setType(name: Token, type: ValueType | undefined): void {
    const value = this.scope.read(name);
    if (type === undefined) return;
    if (value.type === undefined) value.type = type;
    else if (printType(value.type) !== printType(type))
      this.lexer.fail(name, `'${name.text}' has the type ${printType(value.type)} already`);
  }

  #node(): void {
    const { lexer, graph, scope } = this;
    let label = '';
    if (lexer.accept('[')) {
      if (!lexer.sees(']')) label = lexer.takeName('the name of a node').text;
      lexer.expect(']');
    }
    const outputs = this.#nameList();
    lexer.expect('=');
    const path = [lexer.takeName('an operator').text];
    while (lexer.accept('.')) path.push(lexer.takeName('an operator').text);
    if (lexer.sees(':')) lexer.fail(lexer.peek(), 'overloads are not carried by the text form');
    const node = graph.createOp({
      opType: path.pop()!,
      domain: path.join('.'),
      name: label,
      inputs: [],
      outputs: outputs.map(({ text }) => ({ name: text })),
    });
    const before = this.#attributes(node);
    lexer.expect('(');
    const inputs = this.#nameList();
    lexer.expect(')');
    for (const [i, name] of inputs.entries())
      node.setInput(i, name.text === '' ? undefined : scope.read(name));
    const attributes = before.size > 0 ? before : this.#attributes(node);
    node.attributes = new Attributes(attributes);
    for (const [i, name] of outputs.entries())
      if (name.text !== '') scope.declare(name, name.text, node.outputs[i]!);
  }

  /** Names between commas; nothing before a comma is an omitted one, as is `""`. */
  #nameList(): Token[] {
    const { lexer } = this;
    const names: Token[] = [];
    do {
      const ahead = lexer.peek();
      if (ahead.kind === 'name' || ahead.kind === 'string') names.push(lexer.next());
      else if (lexer.sees(',')) names.push({ kind: 'name', text: '', offset: ahead.offset });
      else break;
    } while (lexer.accept(','));
    return names;
  }

  #attributes(node: OpNode): Map<string, Attribute> {
    const { lexer } = this;
    const attributes = new Map<string, Attribute>();
    if (!lexer.accept('<')) return attributes;
    do {
      const name = lexer.takeName('an attribute');
      if (attributes.has(name.text)) lexer.fail(name, `the attribute '${name.text}' is given twice`);
      attributes.set(
        name.text,
        parseAttribute(lexer, (bodyName) => this.#body(node, name.text, bodyName)),
      );
    } while (lexer.accept(','));
    lexer.expect('>');
    return attributes;
  }

  #body(node: OpNode, attribute: string, name: Token): Graph {
    const { lexer, scope, depth } = this;
    if (depth === MAX_DEPTH) lexer.fail(name, `bodies are nested more than ${MAX_DEPTH} deep`);
    const body = new Graph(name.text);
    // The body must know its place before it is filled: its nodes read the values around it.
    body.adoptInto(node, attribute);
    new GraphParser(lexer, body, new Scope(lexer, scope), depth + 1).run();
    return body;
  }
}

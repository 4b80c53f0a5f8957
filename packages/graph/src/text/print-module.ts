import { BitwrightError } from '@bitwright/core';
import type { Attribute } from '../attribute.js';
import type { Graph } from '../graph.js';
import type { GraphModule } from '../graph-module.js';
import { nodeName, type OpNode } from '../node.js';
import type { Value } from '../value.js';
import { quoteName, quoteString } from './names.js';
import { printFloatLiteral } from './print-number.js';
import { printElements, printTypeOf } from './print-tensor.js';
import { printType } from './print-type.js';

/** How to print. */
export interface PrintOptions {
  /** Tensors of more elements are elided as `{...}`, which reads well and cannot be parsed; by default none are. */
  readonly maxElements?: number;
}

/**
 * The text form of a model: a subset of the ONNX textual syntax (docs/Syntax.md of ONNX), which `parseModule` reads back.
 *
 * Initializers stand in the list ahead of the nodes. Not in it: notes, doc strings, what lies in `origin`, and attributes
 * that the graph only carries along (type `other`, printed as `{...}`).
 *
 * @throws GRAPH_INVALID when a value is read that has no name.
 */
export function printModule(module: GraphModule, options: PrintOptions = {}): string {
  const opsets = Array.from(module.opsets, ([domain, version]) => `${quoteString(domain)} : ${version}`);
  const fields = [`ir_version: ${module.irVersion}`, `opset_import: [${opsets.join(', ')}]`];
  if (module.producerName !== '') fields.push(`producer_name: ${quoteString(module.producerName)}`);
  if (module.producerVersion !== '') fields.push(`producer_version: ${quoteString(module.producerVersion)}`);
  if (module.metadataProps.size > 0) {
    const props = Array.from(module.metadataProps, ([k, v]) => `${quoteString(k)}: ${quoteString(v)}`);
    fields.push(`metadata_props: [${props.join(', ')}]`);
  }
  return `<\n  ${fields.join(',\n  ')}\n>\n${printGraph(module.graph, options)}`;
}

/** The text form of one graph or body, as it stands within that of a model. @throws GRAPH_INVALID as `printModule`. */
export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  return `${new Printer(options.maxElements ?? Number.POSITIVE_INFINITY).graph(graph, '')}\n`;
}

class Printer {
  constructor(readonly maxElements: number) {}

  graph(graph: Graph, indent: string): string {
    const inputs = graph.inputs.map(typedName).join(', ');
    const outputs = graph.outputs.map((value) => typedName(named(value, graph.outputNode))).join(', ');
    const header = this.#header(graph).map((entry) => `${indent}  ${entry}`);
    const list = header.length === 0 ? ' ' : `\n${indent}<\n${header.join(',\n')}\n${indent}>\n${indent}`;
    const lines = [`${quoteName(graph.name)} (${inputs}) => (${outputs})${list}{`];
    for (const node of graph.ops()) lines.push(`${indent}  ${this.#op(node, indent)}`);
    lines.push(`${indent}}`);
    return lines.join('\n');
  }

  /** The initializers, then the types of values that are known and no inputs or outputs. */
  #header(graph: Graph): string[] {
    const initializers: string[] = [];
    const types: string[] = [];
    const told = new Set<Value>(graph.outputs);
    for (const node of graph.nodes()) {
      if (node.kind === 'get_attr') {
        const elements = printElements(node.tensor, this.maxElements);
        initializers.push(`${printTypeOf(node.tensor)} ${quoteName(node.output.name)} = ${elements}`);
      } else if (node.kind === 'op') {
        for (const value of node.outputs)
          if (value.name !== '' && value.type !== undefined && !told.has(value)) types.push(typedName(value));
      }
    }
    return [...initializers, ...types];
  }

  #op(node: OpNode, indent: string): string {
    const label = node.name === '' ? '' : `[${quoteName(node.name)}] `;
    const outputs = node.outputs.map(({ name }) => quoteName(name)).join(', ');
    const results = outputs === '' ? '' : `${outputs} `;
    const inputs = node.inputs
      .map((value) => (value === undefined ? '""' : quoteName(named(value, node).name)))
      .join(', ');
    const attributes = Array.from(node.attributes, ([name, attr]) => this.#attribute(name, attr, indent));
    const list = attributes.length === 0 ? '' : ` <${attributes.join(', ')}>`;
    const hasBody = node.subgraphs().length > 0;
    return `${label}${results}= ${operator(node)}${hasBody ? '' : list} (${inputs})${hasBody ? list : ''}`;
  }

  #attribute(name: string, attr: Attribute, indent: string): string {
    const key = quoteName(name);
    if (attr.type === 'other') return `${key}: other = {...}`;
    const value = this.#value(attr, indent);
    // An empty list alone would not tell what it is a list of.
    return value === '[]' ? `${key}: ${attr.type} = []` : `${key} = ${value}`;
  }

  #value(attr: Exclude<Attribute, { type: 'other' }>, indent: string): string {
    switch (attr.type) {
      case 'float':
        return printFloatLiteral(attr.value);
      case 'int':
        return `${attr.value}`;
      case 'string':
        return quoteString(attr.value);
      case 'tensor':
        return `${printTypeOf(attr.value)} ${printElements(attr.value, this.maxElements)}`;
      case 'graph':
        return this.graph(attr.value, `${indent}  `);
      case 'floats':
        return brackets(attr.value.map(printFloatLiteral));
      case 'ints':
        return brackets(attr.value.map(String));
      case 'strings':
        return brackets(attr.value.map(quoteString));
      case 'tensors':
        return brackets(attr.value.map((t) => `${printTypeOf(t)} ${printElements(t, this.maxElements)}`));
      case 'graphs':
        return brackets(attr.value.map((body) => this.graph(body, `${indent}  `)));
    }
  }
}

function brackets(items: readonly string[]): string {
  return `[${items.join(', ')}]`;
}

function typedName(value: Value): string {
  const type = printType(value.type);
  return type === '' ? quoteName(value.name) : `${type} ${quoteName(value.name)}`;
}

/** `ai.bitwright.FakeQuantize`; the domain is quoted as a whole when it is not made of identifiers. */
function operator({ domain, opType }: OpNode): string {
  if (domain === '') return quoteName(opType);
  const bare = domain.split('.').every((part) => quoteName(part) === part);
  return `${bare ? domain : quoteString(domain)}.${quoteName(opType)}`;
}

/** A value that is read; without a name the text would say that nothing is. */
function named(value: Value, reader: OpNode | Graph['outputNode']): Value {
  if (value.name !== '') return value;
  throw new BitwrightError({
    code: 'GRAPH_INVALID',
    message: `The node '${nodeName(reader)}' reads a value without a name, made by '${nodeName(value.producer)}'.`,
    hint: 'Name it with Graph.rename.',
    at: { node: nodeName(reader) },
  });
}

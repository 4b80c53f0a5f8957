import type { Value } from '@bitwright/graph';
import type { GraphProto, NodeProto } from '@bitwright/onnx';
import { failModel } from './model-errors.js';

/** The names that a node may read: those of its own graph so far, and those of the graphs around it. */
export class Scope {
  readonly #values = new Map<string, Value>();

  constructor(
    readonly proto: GraphProto,
    readonly file: string | undefined,
    readonly parent: Scope | undefined,
  ) {}

  find(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Makes a name readable. @throws MODEL_NAME_DUPLICATE when this graph has it already. */
  declare(name: string, value: Value, made: string): void {
    if (this.#values.has(name)) {
      failModel(
        'MODEL_NAME_DUPLICATE',
        `The name '${name}' is given twice in the graph '${this.proto.name ?? ''}', the second time to ${made}.`,
        'Each value must be made once (SSA form): mend the exporter, or rename one of them.',
        { file: this.file, graph: this.proto.name, value: name },
      );
    }
    this.#values.set(name, value);
  }

  /** The value of a name that is read. @throws MODEL_VALUE_UNDEFINED, MODEL_NOT_SORTED or MODEL_CYCLE. */
  read(name: string, reader: NodeProto | undefined): Value {
    return this.find(name) ?? this.#explainMissing(name, reader);
  }

  #explainMissing(name: string, reader: NodeProto | undefined): never {
    const who = reader === undefined ? 'The list of outputs' : `The node '${callNode(reader)}'`;
    const at = {
      file: this.file,
      graph: this.proto.name,
      node: reader && callNode(reader),
      value: name,
    };
    const scope = reader === undefined ? undefined : this.#scopeThatMakes(name);
    if (scope === undefined) {
      failModel(
        'MODEL_VALUE_UNDEFINED',
        `${who} of the graph '${this.proto.name ?? ''}' reads '${name}', which is no input, initializer or result.`,
        'The model is cut off or was edited by hand: export it again.',
        at,
      );
    }
    const cycle = cycleThrough(scope.proto, name);
    if (cycle !== undefined) {
      failModel(
        'MODEL_CYCLE',
        `The graph '${scope.proto.name ?? ''}' has a cycle: ${cycle.join(' -> ')}.`,
        'Break it: a graph must be acyclic (a loop is written with Loop or Scan).',
        at,
      );
    }
    return failModel(
      'MODEL_NOT_SORTED',
      `${who} reads '${name}' before the node that makes it.`,
      'Sort the nodes topologically: ONNX demands that order.',
      at,
    );
  }

  #scopeThatMakes(name: string): Scope | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      if (scope.proto.node?.some((node) => node.output?.includes(name))) return scope;
    }
    return undefined;
  }
}

/** How a node is called in messages: its name, or that of its first result. */
export function callNode(node: NodeProto): string {
  return node.name || node.output?.find((name) => name !== '') || node.opType || '';
}

/** The values on a cycle through `start`, in the order of data flow; undefined when it lies on none. */
function cycleThrough(graph: GraphProto, start: string): string[] | undefined {
  const makers = new Map<string, NodeProto>();
  for (const node of graph.node ?? []) for (const name of node.output ?? []) makers.set(name, node);
  const readBy = new Map<string, string | undefined>([[start, undefined]]);
  const queue = [start];
  for (const value of queue) {
    const maker = makers.get(value);
    for (const name of maker === undefined ? [] : namesRead(maker)) {
      if (name === start) {
        const path = [start];
        for (let at: string | undefined = value; at !== undefined; at = readBy.get(at)) path.push(at);
        return path;
      }
      if (readBy.has(name)) continue;
      readBy.set(name, value);
      queue.push(name);
    }
  }
  return undefined;
}

function namesRead(node: NodeProto): string[] {
  const names = [...(node.input ?? [])];
  for (const { g, graphs } of node.attribute ?? []) {
    for (const body of [...(g ? [g] : []), ...(graphs ?? [])]) {
      for (const inner of body.node ?? []) names.push(...namesRead(inner));
    }
  }
  return names;
}

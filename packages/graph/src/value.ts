import type { DType } from '@bitwright/core';
import { recordEdit } from './edit-log.js';
import type { Node } from './node.js';

/** One dimension of a shape: a size, a symbolic name, or undefined when nothing is known. */
export type Dim = number | string | undefined;

/** What is known of a value: a tensor's element type and shape, or another ONNX type that is only carried along. */
export type ValueType =
  | { readonly kind: 'tensor'; readonly dtype: DType | undefined; readonly shape: readonly Dim[] | undefined }
  | { readonly kind: 'other' };

/** One place where a value is read: input `index` of `node`. */
export interface Use {
  readonly node: Node;
  readonly index: number;
}

/** A named result of a node: it knows its producer and every use, uses inside If/Loop/Scan bodies included. */
export class Value {
  readonly #uses = new Set<Use>();
  #outputUses = 0;
  #type: ValueType | undefined;
  /** The protobuf message that described this value in the file, kept so that nothing is lost; dropped when the type changes. */
  origin: unknown;

  /** Made by nodes only; `name` is changed through `Graph.rename`. */
  constructor(
    readonly producer: Node,
    readonly index: number,
    private nameText: string,
    type?: ValueType,
  ) {
    this.#type = type;
  }

  get name(): string {
    return this.nameText;
  }

  get type(): ValueType | undefined {
    return this.#type;
  }

  set type(type: ValueType | undefined) {
    recordEdit(Value.#undo.type, this, this.#type, this.origin);
    this.#type = type;
    this.origin = undefined;
  }

  get dtype(): DType | undefined {
    return this.#type?.kind === 'tensor' ? this.#type.dtype : undefined;
  }

  get shape(): readonly Dim[] | undefined {
    return this.#type?.kind === 'tensor' ? this.#type.shape : undefined;
  }

  get uses(): ReadonlySet<Use> {
    return this.#uses;
  }

  /** True when a graph returns this value: its own, or a body that sees it. O(1). */
  get isReturned(): boolean {
    return this.#outputUses > 0;
  }

  /** The nodes that read this value, each once. */
  users(): Set<Node> {
    const users = new Set<Node>();
    for (const use of this.#uses) users.add(use.node);
    return users;
  }

  /**
   * Lets every use of this value read another one instead: all or none of them. The order of nodes is not looked at: a
   * replacement that is made after one of the readers is for lint to find.
   *
   * @param except uses of these nodes stay as they are.
   * @throws GRAPH_FOREIGN_VALUE when a reader stands in a graph that the replacement cannot be seen from.
   */
  replaceAllUsesWith(replacement: Value, except?: ReadonlySet<Node>): void {
    if (replacement === this) return;
    const moved: Use[] = [];
    try {
      for (const use of [...this.#uses]) {
        if (except?.has(use.node)) continue;
        use.node.setInput(use.index, replacement);
        moved.push(use);
      }
    } catch (thrown) {
      for (const use of moved) use.node.setInput(use.index, this);
      throw thrown;
    }
  }

  static readonly #undo = {
    type: (value: Value, type: ValueType | undefined, origin: unknown): void => {
      value.#type = type;
      value.origin = origin;
    },
    name: (value: Value, name: string, origin: unknown): void => {
      value.nameText = name;
      value.origin = origin;
    },
  };

  /** For nodes and graphs only: keeps the use list in step. */
  static readonly internals = {
    addUse: (value: Value, use: Use): void => {
      value.#uses.add(use);
      if (use.node.kind === 'output') value.#outputUses++;
    },
    removeUse: (value: Value, use: Use): void => {
      value.#uses.delete(use);
      if (use.node.kind === 'output') value.#outputUses--;
    },
    rename: (value: Value, name: string): void => {
      recordEdit(Value.#undo.name, value, value.nameText, value.origin);
      value.nameText = name;
      value.origin = undefined;
    },
  };
}

import { type Node, nodeName, Value } from '@bitwright/graph';

/** Why a rule leaves a match alone: a documented code, a sentence, and what is to blame. */
export class Rejection {
  constructor(
    readonly code: string,
    readonly message: string,
    /** The name of the node or value to blame. */
    readonly culprit: string | undefined,
  ) {}
}

/** Says in a rule's `where` (or `rewrite`, before any edit) that the match must be left alone, and why. */
export function reject(code: string, message: string, culprit?: Node | Value): Rejection {
  const name = culprit instanceof Value ? culprit.name : culprit && nodeName(culprit);
  return new Rejection(code, message, name);
}

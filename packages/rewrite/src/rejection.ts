import { type Node, nodeName, type Value } from '@bitwright/graph';

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
  // A plugin may have a copy of the graph's package of its own, so classes say nothing.
  const name = culprit && ('producer' in culprit ? culprit.name : nodeName(culprit));
  return new Rejection(code, message, name);
}

/** True for what {@link reject} gives, of whatever copy of this package. */
export function isRejection(answer: unknown): answer is Rejection {
  if (typeof answer !== 'object' || answer === null) return false;
  const { code, message } = answer as Partial<Rejection>;
  return typeof code === 'string' && typeof message === 'string' && !(answer instanceof Error);
}

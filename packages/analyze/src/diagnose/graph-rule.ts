import type { Diagnostic } from '@bitwright/core';
import type { Graph } from '@bitwright/graph';

/** What a rule looks at. */
export interface DiagnosedGraph {
  /** A quantized graph in the private dialect. */
  readonly graph: Graph;
  /** The activation bits that were asked for; undefined where nothing says. What was asked for is told, not warned of. */
  readonly askedBits?: number;
  /** True where a backend's table, and no other tool, has placed the quantizers: their places are told, not warned of. */
  readonly placedByTable?: boolean;
  /** True where the backend's table wants one scale for both operands of an Add. */
  readonly equalAddScales?: boolean;
}

/** Looks for one kind of defect of a quantized graph: each that it finds, with the node's name. */
export type GraphRule = (subject: DiagnosedGraph) => Diagnostic[];

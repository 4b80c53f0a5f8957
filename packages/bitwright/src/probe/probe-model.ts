import type { BackendConfig, BackendPatternConfig } from '@bitwright/backends';
import { GraphModule, type Value } from '@bitwright/graph';
import { addProbeOperator, probeShape } from './probe-operators.js';

/** The opset of probes: the first with 16-bit quantizers. */
const OPSET = 21;

/**
 * A float model of one entry: its chain of operators behind an input. An entry that shares its input's grid stands behind
 * a layer that makes one.
 */
export function probeModel(entry: BackendPatternConfig, backend: BackendConfig): GraphModule {
  const maker = entry.observation === 'OUTPUT_SHARE_OBSERVER_WITH_INPUT' ? makerOf(backend) : undefined;
  const chain = [...(maker ?? []), ...entry.pattern];
  const shape = probeShape(chain[0]!);
  const module = new GraphModule();
  module.irVersion = 10;
  module.opsets.set('', OPSET);
  const { graph } = module;
  let x = graph.placeholder('x', { kind: 'tensor', dtype: 'float', shape: [...shape] }).output;
  const other = (): Value =>
    graph.placeholder('z', { kind: 'tensor', dtype: 'float', shape: [...shape] }).output;
  let outputs: readonly Value[] = [x];
  for (const opType of chain) {
    const node = addProbeOperator(opType, { graph, x, other });
    outputs = node.outputs;
    x = node.output;
  }
  for (const [index, value] of outputs.entries()) graph.rename(value, index === 0 ? 'y' : `y${index}`);
  graph.setOutputs(outputs);
  return module;
}

/** A short pattern of the table whose result has a grid, convolutions first. */
function makerOf({ entries }: BackendConfig): readonly string[] | undefined {
  const makers = entries.filter(
    ({ observation, dtypes, pattern }) =>
      observation === 'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT' &&
      dtypes.every((dtype) => dtype.output !== undefined) &&
      probeShape(pattern[0]!).length === 4,
  );
  const found = makers.find(({ pattern }) => pattern.join() === 'Conv') ?? makers[0];
  return found?.pattern;
}

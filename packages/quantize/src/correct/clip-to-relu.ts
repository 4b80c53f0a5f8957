import { constantTensor, nodeName, type OpNode, type Value } from '@bitwright/graph';
import type { ChannelExtremes } from './channel-extremes.js';
import { clipBounds } from './channel-moments.js';
import type { CorrectionOutcome, NetworkCorrection } from './correction.js';

/**
 * Clip(x, 0, u) becomes Relu(x) where no calibration sample brings x above u: equal on those samples, and no promise for others.
 * Channels behind it may then be equalized and biases absorbed, as behind any Relu (M. Nagel et al. 2019 replace every ReLU6).
 */
export const clipToRelu: NetworkCorrection = {
  name: 'clip-to-relu',
  description: 'a ReLU6 whose bound the calibration data never reaches becomes a Relu',
  stage: 'network',
  needs: 'data',
  async correct({ graph }, { extremes }) {
    const clips = [...graph.ops()].filter((node) => node.is('Clip'));
    const ofRelu = (node: OpNode): boolean =>
      clipBounds(node)?.[0] === 0 && Number.isFinite(clipBounds(node)![1]);
    const found = await extremes!(clips.filter(ofRelu).map((node) => node.inputs[0]!));
    return clips.map((node) => {
      const refused = ofRelu(node)
        ? reached(node, found)
        : 'its lower bound is not zero, or its bounds are no constants';
      const outcome = { correction: clipToRelu.name, node: nodeName(node), applied: refused === undefined };
      if (refused === undefined) replaceByRelu(node);
      return {
        ...outcome,
        detail: refused ?? 'no calibration sample reaches its bound',
      } satisfies CorrectionOutcome;
    });
  },
};

/** Why the bound counts. */
function reached(node: OpNode, found: ReadonlyMap<Value, ChannelExtremes>): string | undefined {
  const max = found.get(node.inputs[0]!)?.max;
  if (max === undefined) return `the shape of its input '${node.inputs[0]!.name}' is not known`;
  const bound = clipBounds(node)![1];
  const above = max.reduce((count, value) => count + Number(value > bound), 0);
  return above === 0 ? undefined : `${above} of its ${max.length} channels reach its bound`;
}

function replaceByRelu(clip: OpNode): void {
  const { graph, output } = clip;
  const relu = graph.createOp({ opType: 'Relu', name: clip.name, inputs: [clip.inputs[0]], before: clip });
  if (output.type !== undefined) relu.output.type = output.type;
  const bounds = clip.inputs.slice(1);
  const { name } = output;
  output.replaceAllUsesWith(relu.output);
  graph.eraseNode(clip);
  graph.rename(relu.output, name);
  for (const bound of bounds)
    if (
      bound !== undefined &&
      constantTensor(bound) !== undefined &&
      bound.uses.size === 0 &&
      !bound.producer.erased
    )
      bound.producer.graph.eraseNode(bound.producer);
}

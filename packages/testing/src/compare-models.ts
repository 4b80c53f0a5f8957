import type { GraphModule } from '@bitwright/graph';
import { type RunOptions, randomFeeds, runModel } from './run-model.js';
import { TestFailure } from './test-failure.js';
import { assertClose, type Tolerance } from './tolerance.js';

/** Runs two models on the same random inputs and demands equal names, shapes and values. @throws TestFailure. */
export async function compareModels(
  before: GraphModule,
  after: GraphModule,
  options: RunOptions & { readonly tolerance?: Tolerance } = {},
): Promise<void> {
  const feeds = randomFeeds(before, options);
  const [expected, found] = [await runModel(before, feeds), await runModel(after, feeds)];
  const names = Object.keys(expected);
  if (names.join() !== Object.keys(found).join())
    throw new TestFailure(
      `The outputs are ${Object.keys(found).join(', ')} where ${names.join(', ')} are expected.`,
    );
  for (const name of names) {
    const [x, y] = [found[name]!, expected[name]!];
    if (x.dims.join() !== y.dims.join())
      throw new TestFailure(`The output '${name}' has the shape [${x.dims}] where [${y.dims}] is expected.`);
    assertClose(x.data, y.data, options.tolerance, `the output '${name}'`);
  }
}

import { nodeName } from '@bitwright/graph';
import { anyValue, defineRule, op, reject } from '@bitwright/rewrite';

/**
 * Changes nothing: a BatchNormalization that no other rule took says in the report why it stays, so that none stays in silence.
 *
 * The last rule of the list. Where another rule matched and refused, its own reason stands in the report beside this one.
 */
export const reportBatchNorm = defineRule({
  name: 'report-batch-norm',
  match: op('BatchNormalization', anyValue.as('x')).as('bn'),
  where: ({ bn, x }) => {
    const varying = bn.inputs.slice(1, 5).find((value) => value?.producer.kind !== 'get_attr');
    if (varying !== undefined)
      return reject('BATCH_NORM_LEFT', `its parameter '${varying.name}' is computed, not constant`, varying);
    const { producer } = x;
    const maker =
      producer.kind === 'op'
        ? `${producer.opType} '${nodeName(producer)}'`
        : `the ${producer.kind} '${x.name}'`;
    const readers = x.uses.size;
    const shared = readers > 1 ? `, whose result ${readers} nodes read` : '';
    return reject(
      'BATCH_NORM_LEFT',
      `it follows ${maker}${shared}, and neither folds into it nor becomes a Conv`,
      bn,
    );
  },
  rewrite: () => undefined,
});

import {
  type AnchorOf,
  anyValue,
  defineBackend,
  definePlugin,
  defineRule,
  type NoiseSource,
  op,
} from 'bitwright/plugin';

declare module 'bitwright/plugin' {
  interface OpSchemas {
    'outside.example.Twice': { inputs: 1; outputs: 1; attributes: { by: number } };
  }
}

const twice = op('outside.example.Twice', anyValue.as('x')).attributes({ by: 2 }).as('twice');

/** Twice(x) = x + x, for devices that know no Twice. */
const replaceTwice = defineRule({
  name: 'outside/replace-twice',
  match: twice,
  anchor: 'twice' satisfies AnchorOf<typeof twice>,
  rewrite: ({ twice: node, x }, r) => {
    r.replace(node, r.op.Add([x, x]));
  },
});

const eight = { bits: [8] };

const device = defineBackend({
  name: 'outside-device',
  description: 'Additions in 8 bits.',
  entries: [{ pattern: ['Add'], dtypes: [{ input: eight, output: eight }] }],
});

/** The same error everywhere. */
const drift: NoiseSource = {
  name: 'outside/drift',
  fill(target, { by = 0 }) {
    target.fill(by);
  },
};

/** A plugin that nobody of this project has written, as far as the tests are concerned. */
export const plugin = definePlugin({
  name: 'bitwright-outside-plugin',
  apiVersion: 1,
  rules: [replaceTwice],
  backends: [device],
  operators: [{ name: 'outside.example.Twice', domainVersion: 1 }],
  noiseSources: [drift],
});

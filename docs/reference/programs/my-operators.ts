import { anyValue, op } from 'bitwright/plugin';

declare module 'bitwright/plugin' {
  interface OpSchemas {
    'my.domain.Swish': { inputs: 1; outputs: 1; attributes: { beta: number } };
  }
}

export const swish = op('my.domain.Swish', anyValue.as('x')).attributes({ beta: 1 }).as('swish');

import { definePlugin } from 'bitwright/plugin';
import { replaceAddOfNeg } from './replace-add-of-neg.js';

/** What `--plugin bitwright-plugin-template` loads. */
export const plugin = definePlugin({
  name: 'bitwright-plugin-template',
  apiVersion: 1,
  rules: [replaceAddOfNeg],
});

/**
 * Helpers for authors of rules and backend tables. They throw {@link TestFailure} and need no test framework: call them
 * inside a test of any.
 *
 * @packageDocumentation
 */
export { type BackendCases, backendTester } from './backend-tester.js';
export { type HuntOptions, huntForDifference } from './hunt.js';
export { type ModelBuilder, type ModelOptions, modelBuilder } from './model-builder.js';
export {
  type MatchCase,
  type RejectCase,
  type RuleCases,
  type RuleTestReport,
  ruleTester,
} from './rule-tester.js';
export { type RunOptions, type RunTensor, randomFeeds, runModel } from './run-model.js';
export { TestFailure } from './test-failure.js';
export { assertClose, type Tolerance } from './tolerance.js';

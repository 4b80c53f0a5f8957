export {
  type AppliedRule,
  type ApplyRulesOptions,
  applyRules,
  type RejectedMatch,
  type RulesReport,
} from './apply-rules.js';
export { type AttributeConditions, attributeValue } from './attribute-guard.js';
export {
  type ConstantEvaluator,
  type FoldConstantsOptions,
  type FoldReport,
  foldConstants,
  foldConstantsWith,
  inferShapes,
} from './constants/fold-constants.js';
export { explainRule, type RuleExplanation } from './explain-rule.js';
export { type FailedCondition, MatchTrace } from './match-trace.js';
export { type Captured, type Match, matchPattern } from './matcher.js';
export * from './op-schemas.js';
export {
  AnyPattern,
  type CAPTURES,
  ConstantPattern,
  type INPUTS,
  OpPattern,
  Pattern,
  type REFERENCES,
  type Reference,
  ValuePattern,
} from './pattern.js';
export {
  type AnchorOf,
  absent,
  anyOf,
  anyValue,
  constant,
  op,
  optional,
  resultOf,
  same,
  sequence,
  variadic,
} from './pattern-builders.js';
export { childrenOf, describePattern, type PatternData } from './pattern-data.js';
export type * from './pattern-types.js';
export { keepProvenance, type Provenance, provenanceOf } from './provenance.js';
export { readNumber } from './read-number.js';
export { isRejection, Rejection, reject } from './rejection.js';
export { canReplace, isGraphOutput } from './rewrite-session.js';
export type { AttributesInit, MadeOptions, OpBuilders, RewriteInput, Rewriter } from './rewriter.js';
export { defineRule, type Rule, type RuleInit } from './rule.js';
export { type Pass, type PassReport, type RunPassesOptions, rulesPass, runPasses } from './run-passes.js';

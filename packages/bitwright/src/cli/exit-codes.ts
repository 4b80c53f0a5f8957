/** Exit codes of the command line. */
export const EXIT = { done: 0, error: 1, usage: 2, budgetMissed: 3, interrupted: 130 } as const;

/** How a command that printed its result ends: a sweep with failed cells is an error although it has one. */
export interface Outcome {
  code: number;
}

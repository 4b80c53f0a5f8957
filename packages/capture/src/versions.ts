/** The newest IR version whose messages this package understands (ONNX 1.23). */
export const LATEST_IR_VERSION = 14;

/** The newest version of the standard operator set that has been published (ONNX 1.23). */
export const LATEST_OPSET = 28;

/** The first opset that needs each IR version. Source: onnx `helper.VERSION_TABLE`. */
const IR_VERSION_SINCE_OPSET: readonly (readonly [opset: number, irVersion: number])[] = [
  [28, 14],
  [25, 13],
  [24, 12],
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [9, 4],
  [1, 3],
];

/** The lowest IR version that a model of this opset may state. */
export function irVersionOfOpset(opset: number): number {
  return IR_VERSION_SINCE_OPSET.find(([since]) => opset >= since)?.[1] ?? 3;
}

/** The domain as the graph spells it: '' for the standard one, which files also call `ai.onnx` or leave out. */
export function normalDomain(domain: string | undefined): string {
  return domain === undefined || domain === 'ai.onnx' ? '' : domain;
}

import type { ParetoPoint } from '@bitwright/analyze';
import type { BudgetLayer, BudgetPoint, BudgetReport } from '@bitwright/quantize';

/** A point of the front that was quantized and written. */
export interface WrittenPoint {
  readonly point: BudgetPoint;
  readonly file: string;
  readonly correct?: number;
  readonly total?: number;
}

/**
 * A budget's search as points of the plot of accuracy against size: the front of mixed widths, and each width for all layers
 * beside it. Quality is the signal-to-noise ratio at the outputs that the measured sensitivities add up to, in dB.
 *
 * @param chosenBytes what the chosen model takes, packed: beside weights every point takes the same.
 */
export function budgetPoints(
  budget: BudgetReport,
  chosenBytes: number,
  written: readonly WrittenPoint[] = [],
): ParetoPoint[] {
  const { layers, front } = budget;
  const size = (widths: readonly number[]): number =>
    layers.reduce((sum, { weights }, i) => sum + Math.ceil((weights * widths[i]!) / 8), 0);
  const beside = chosenBytes - size(layers.map(({ bits }) => bits));
  const point = (label: string, widths: readonly number[], mixed: boolean): ParetoPoint => {
    const quality = qualityOf(layers, widths);
    return {
      label,
      bytes: size(widths) + beside,
      ...(quality !== undefined && { quality }),
      mixed,
      widths: Object.fromEntries(layers.map(({ name }, i) => [name, `W${widths[i]}`])),
    };
  };
  const mixed = front.map((entry) => {
    const made = written.find((model) => model.point === entry);
    return {
      ...point(`${(100 * entry.share).toFixed(0)} %`, widthsOf(layers, entry), true),
      ...(made && { file: made.file }),
      ...(made?.correct !== undefined && { correct: made.correct, total: made.total! }),
    };
  });
  const all = [...new Set(layers.flatMap(({ sensitivity }) => Object.keys(sensitivity).map(Number)))];
  const uniform = all
    .sort((a, b) => a - b)
    .filter((width) => layers.every(({ fixed, sensitivity }) => fixed || sensitivity[width] !== undefined))
    .map((width) =>
      point(
        `all W${width}`,
        layers.map(({ fixed, bits }) => (fixed ? bits : width)),
        false,
      ),
    );
  return [...mixed, ...uniform];
}

/** The width of each layer at a point; a layer without a choice has its own. */
function widthsOf(layers: readonly BudgetLayer[], { mapping }: BudgetPoint): number[] {
  return layers.map(({ name, bits }) => {
    const override = mapping.names[name];
    const text = typeof override === 'object' ? override.bits : override;
    return Number(/W(\d+)/.exec(text ?? '')?.[1] ?? bits);
  });
}

/** Undefined where nothing is lost. */
function qualityOf(layers: readonly BudgetLayer[], widths: readonly number[]): number | undefined {
  const loss = layers.reduce((sum, layer, i) => sum + lossOf(layer, widths[i]!), 0);
  return loss > 0 ? -10 * Math.log10(loss) : undefined;
}

/** The least of what this width and the narrower ones lose: where a wider one measured worse, that was chance. */
function lossOf({ sensitivity }: BudgetLayer, width: number): number {
  const known = Object.entries(sensitivity).filter(([bits]) => Number(bits) <= width);
  return Math.min(...known.map(([, loss]) => loss));
}

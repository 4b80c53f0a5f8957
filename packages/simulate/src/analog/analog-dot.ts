/** What a dot product meets in an analog core, in code units: everything that a hardware file leaves to the data is settled. */
export interface AnalogDot {
  /** Products of one tile. */
  readonly tile: number;
  /** Inputs are held between low and high and rounded to low + k * step; absent where codes pass unchanged. */
  readonly dac: { readonly low: number; readonly high: number; readonly step: number } | undefined;
  /** A tile's sum is read as round(sum / lsb), held between the codes; without an ADC lsb is 1 and nothing is held. */
  readonly adc: { readonly lsb: number; readonly least: number; readonly most: number };
  /** Standard deviations, in units of input codes. */
  readonly inputNoise: { readonly beforeDac: Strength; readonly afterDac: Strength };
  /** In units of weight codes. */
  readonly weightNoise: Strength;
  /** In units of the accumulator; behind the ADC in those of its codes. */
  readonly sumNoise: { readonly beforeAdc: number; readonly afterAdc: number };
  readonly plugins: readonly PluginNoise[];
}

/** The noise of independent sources taken together. */
export interface Strength {
  readonly additive: number;
  /** Of the value itself. */
  readonly proportional: number;
}

/** The noise of a plugin, in parts of the full scale of its place. */
export interface PluginNoise {
  readonly place: 'weights' | 'inputs' | 'sum';
  readonly source: NoiseSource;
  readonly parameters: Readonly<Record<string, number>>;
  readonly fullScale: number;
}

/** A source of noise that a plugin adds: it is added to weights, inputs or sums. */
export interface NoiseSource {
  readonly name: string;
  /** Fills `target` with noise in parts of the full scale. `gaussian` gives normal deviates that the seed repeats. */
  fill(
    target: Float32Array,
    parameters: Readonly<Record<string, number>>,
    gaussian: (count: number) => Float32Array,
  ): void;
}

/** True when nothing but whole numbers meets the multipliers: then sums are exact and only their reading is analog. */
export function hasExactOperands(analog: AnalogDot): boolean {
  const { inputNoise, weightNoise, dac, plugins } = analog;
  const silent = ({ additive, proportional }: Strength): boolean => additive === 0 && proportional === 0;
  return (
    dac === undefined &&
    silent(inputNoise.beforeDac) &&
    silent(inputNoise.afterDac) &&
    silent(weightNoise) &&
    plugins.every(({ place }) => place === 'sum')
  );
}

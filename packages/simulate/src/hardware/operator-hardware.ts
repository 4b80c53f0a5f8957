import type {
  BiasConfig,
  HardwareConfig,
  NoiseConfig,
  OPERATOR_CLASSES,
  RangeConfig,
  RequantizeConfig,
} from './hardware-schema.js';

/** A class of operators that a device may treat in its own way. */
export type OperatorClass = (typeof OPERATOR_CLASSES)[number];

/** An accumulator with every default filled in. */
export interface Accumulator {
  readonly bits: number;
  readonly overflow: 'wrap' | 'saturate' | 'error';
  readonly at: 'mac' | 'tile' | 'end';
  readonly sum: 'centred' | 'raw';
  readonly bias: 'apart' | 'inside';
}

/** A converter between the digital and the analog side. */
export interface Converter {
  readonly bits: number;
  readonly range: RangeConfig;
}

/** What a device does for one class of operators, with every default filled in. */
export interface OperatorHardware {
  readonly inputBits: number;
  readonly weightBits: number;
  readonly outputBits: number;
  readonly bias: BiasConfig | undefined;
  readonly accumulator: Accumulator;
  readonly tile: { readonly size: number; readonly order: 'channel-first' | 'kernel-first' } | undefined;
  readonly pairs: boolean;
  readonly requantize: RequantizeConfig;
  readonly dac: Converter | undefined;
  readonly adc: Converter | undefined;
  readonly noise: readonly NoiseConfig[];
}

/**
 * The hardware of one class of operators: the file's top level with that class's own entries laid over it. Converters,
 * tiles, pairs and noise of the top level are those of the dot product; pooling and element-wise operators are digital
 * unless their own entry says otherwise.
 */
export function operatorHardware(config: HardwareConfig, operatorClass: OperatorClass): OperatorHardware {
  const own = config.operators?.[operatorClass] ?? {};
  const isDot = operatorClass !== 'pool' && operatorClass !== 'elementwise';
  const base: Partial<HardwareConfig> = isDot
    ? config
    : {
        ...(config.inputBits !== undefined && { inputBits: config.inputBits }),
        ...(config.requantize && { requantize: config.requantize }),
      };
  const accumulator = { ...base.accumulator, ...own.accumulator };
  const tile = own.tile ?? base.tile;
  const dac = own.dac ?? base.dac;
  const adc = own.adc ?? base.adc;
  return {
    inputBits: own.inputBits ?? base.inputBits ?? 16,
    weightBits: own.weightBits ?? base.weightBits ?? 16,
    outputBits: own.outputBits ?? base.outputBits ?? 16,
    bias: own.bias ?? base.bias,
    accumulator: {
      bits: accumulator.bits ?? 32,
      overflow: accumulator.overflow ?? 'wrap',
      at: accumulator.at ?? 'end',
      sum: accumulator.sum ?? 'centred',
      bias: accumulator.bias ?? 'apart',
    },
    tile: tile && { size: tile.size, order: tile.order ?? 'channel-first' },
    pairs: (own.pairs ?? base.pairs) === 'saturate-16',
    requantize: own.requantize ?? base.requantize ?? { kind: 'float' },
    dac: dac && { bits: dac.bits, range: dac.range ?? { kind: 'worst-case' } },
    adc: adc && { bits: adc.bits, range: adc.range ?? { kind: 'worst-case' } },
    noise: own.noise ?? base.noise ?? [],
  };
}

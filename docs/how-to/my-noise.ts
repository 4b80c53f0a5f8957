import { definePlugin, type NoiseSource } from 'bitwright/plugin';

/** Laser light that flickers: all outputs of a tile rise and fall together. */
const flicker: NoiseSource = {
  name: 'lab/flicker',
  fill(target, { common = 0, own = 0 }, gaussian) {
    const [together = 0] = gaussian(1);
    const apart = gaussian(target.length);
    for (let i = 0; i < target.length; i++) target[i] = common * together + own * apart[i]!;
  },
};

export const plugin = definePlugin({ name: 'lab-noise', apiVersion: 1, noiseSources: [flicker] });

import { describe, expect, it } from 'vitest';
import type { PixelImage } from '../data-host.js';
import { imageWindow } from './image-geometry.js';
import { resample } from './resample.js';

const pixels = Uint8Array.from({ length: 5 * 7 * 3 }, (_, i) => (i * 37 + i * i * 11) % 256);
const image: PixelImage = { width: 7, height: 5, channels: 3, pixels };

function resized(of: PixelImage, width: number, height: number, how: 'linear' | 'cubic'): number[] {
  const window = { width, height, left: 0, top: 0, columns: width, rows: height };
  return [...resample(of, window, how).pixels];
}

// Image.fromarray(pixels).resize((width, height), Image.BILINEAR or Image.BICUBIC) of Pillow 13.0.0
describe('resampling gives the bytes of Pillow', () => {
  it.each([
    [
      'linear',
      3,
      2,
      [138, 128, 148, 113, 146, 163, 187, 118, 107, 155, 144, 152, 94, 133, 189, 160, 145, 136],
    ],
    [
      'cubic',
      3,
      2,
      [137, 125, 149, 112, 146, 168, 190, 118, 100, 157, 148, 147, 87, 131, 198, 160, 148, 134],
    ],
    [
      'linear',
      7,
      3,
      [
        108, 135, 73, 144, 90, 205, 85, 98, 169, 115, 193, 184, 197, 85, 141, 220, 65, 187, 185, 96, 29, 216,
        164, 134, 126, 140, 176, 177, 115, 160, 28, 174, 143, 77, 175, 210, 210, 175, 77, 143, 174, 28, 119,
        135, 136, 196, 131, 89, 68, 216, 239, 29, 96, 185, 187, 65, 220, 141, 85, 197, 184, 193, 115,
      ],
    ],
    [
      'cubic',
      7,
      3,
      [
        107, 138, 68, 142, 89, 207, 84, 96, 166, 117, 195, 182, 198, 87, 139, 221, 62, 188, 187, 93, 29, 229,
        167, 137, 120, 143, 179, 184, 115, 154, 22, 177, 143, 68, 182, 213, 213, 182, 68, 143, 177, 22, 115,
        131, 141, 200, 132, 85, 69, 216, 244, 29, 93, 187, 188, 62, 221, 139, 87, 198, 182, 195, 117,
      ],
    ],
  ] as const)('%s to %i x %i', (how, width, height, expected) => {
    expect(resized(image, width, height, how)).toEqual(expected);
  });

  it('upwards and downwards in one image', () => {
    // the first two rows of resize((4, 9), Image.BICUBIC)
    const expected = [
      86, 40, 162, 167, 80, 230, 236, 88, 164, 165, 65, 111, 112, 91, 139, 116, 115, 198, 198, 103, 166, 196,
      70, 104,
    ];
    expect(resized(image, 4, 9, 'cubic').slice(0, 24)).toEqual(expected);
  });

  it('of a grey image', () => {
    const grey = { ...image, channels: 1, pixels: pixels.filter((_, i) => i % 3 === 0) } as const;
    expect(resized(grey, 4, 3, 'cubic')).toEqual([122, 100, 181, 206, 185, 119, 77, 178, 156, 78, 130, 168]);
  });

  it('and a window of it is the same as a crop of the whole', () => {
    const whole = resized(image, 4, 9, 'linear');
    const window = { width: 4, height: 9, left: 1, top: 3, columns: 2, rows: 4 };
    const expected = [3, 4, 5, 6].flatMap((row) => whole.slice((row * 4 + 1) * 3, (row * 4 + 3) * 3));
    expect([...resample(image, window, 'linear').pixels]).toEqual(expected);
  });
});

// the longer side is rounded, so 256 * 501 / 375 = 342.016 gives 342 and 256 * 500 / 333 = 384.38 gives 384; torchvision would cut 341.9 to 341
describe('the window keeps the aspect ratio to the nearest pixel', () => {
  it.each([
    ['a wide image', { width: 500, height: 375 }, { width: 341, height: 256, left: 58, top: 16 }],
    [
      'a side just below a pixel',
      { width: 298, height: 398 },
      { width: 256, height: 342, left: 16, top: 59 },
    ],
    ['a tall image', { width: 375, height: 501 }, { width: 256, height: 342, left: 16, top: 59 }],
    ['a square', { width: 100, height: 100 }, { width: 256, height: 256, left: 16, top: 16 }],
  ])('for %s', (_, size, expected) => {
    const window = imageWindow({ from: 'image', shorterSide: 256, centerCrop: 224 }, size, 'x.png');
    expect(window).toEqual({ ...expected, columns: 224, rows: 224 });
  });

  it('without the aspect ratio, and with a crop of its own height and width', () => {
    const window = imageWindow(
      { from: 'image', resize: [20, 31], centerCrop: [10, 30] },
      { width: 5, height: 5 },
      'x',
    );
    expect(window).toEqual({ width: 31, height: 20, left: 0, top: 5, columns: 30, rows: 10 });
  });
});

import { seededRandom } from '@bitwright/core';
import * as ort from 'onnxruntime-node';

/** What open sizes become and how far integers go, one attempt after the other until a model runs. */
export const ATTEMPTS = [
  { size: 2, integers: 3 },
  { size: 1, integers: 1 },
  { size: 4, integers: 2 },
  { size: 8, integers: 2 },
];

/** Seeded inputs for a session, small integers and floats around zero; a text that says why where an input is no tensor. */
export function feedsFor(session, { size, integers }) {
  const feeds = {};
  for (const [i, meta] of session.inputMetadata.entries()) {
    if (!meta.isTensor) return `the input '${meta.name}' is no tensor`;
    const sizes = new Map();
    const dims = meta.shape.map((dim) => {
      if (typeof dim === 'number' && dim >= 0) return dim;
      if (!sizes.has(dim)) sizes.set(dim, size);
      return sizes.get(dim);
    });
    const made = tensorOf(meta.type, dims, seededRandom(i + 1), integers);
    if (made === undefined) return `the input '${meta.name}' is ${meta.type}`;
    feeds[meta.name] = made;
  }
  return feeds;
}

function tensorOf(type, dims, random, integers) {
  const length = dims.reduce((product, dim) => product * dim, 1);
  const list = (make) => Array.from({ length }, make);
  const small = () => Math.floor(random() * integers);
  switch (type) {
    case 'float32':
      return new ort.Tensor(type, Float32Array.from(list(() => random() * 4 - 2)), dims);
    case 'float64':
      return new ort.Tensor(type, Float64Array.from(list(() => random() * 4 - 2)), dims);
    case 'float16':
      // 0x3800 is 0.5: numbers between 0.5 and 1
      return new ort.Tensor(type, Uint16Array.from(list(() => 0x3800 + Math.floor(random() * 1024))), dims);
    case 'int64':
    case 'uint64':
      return new ort.Tensor(
        type,
        list(() => BigInt(small())),
        dims,
      );
    case 'string':
      return new ort.Tensor(
        type,
        list(() => String(small())),
        dims,
      );
    case 'bool':
      return new ort.Tensor(
        type,
        list(() => random() < 0.5),
        dims,
      );
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
      return new ort.Tensor(type, list(small), dims);
    default:
      return undefined;
  }
}

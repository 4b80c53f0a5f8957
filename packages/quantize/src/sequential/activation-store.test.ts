import { floatTensor, int64Tensor } from '@bitwright/core';
import { expect, it } from 'vitest';
import { openSpillFile } from '../node/spill-file.js';
import { ActivationStore } from './activation-store.js';

const chunk = (value: number) => floatTensor(new Float32Array(100).fill(value), [4, 25]);

it('keeps what fits, spills the rest, and gives both back', () => {
  const store = new ActivationStore(1000, openSpillFile);
  try {
    for (let i = 0; i < 8; i++) store.append('float', 'x', chunk(i));
    expect(store.bytes).toBe(800);
    for (let i = 0; i < 8; i++)
      expect(store.get('float', 'x', i)).toMatchObject({ dtype: 'float', dims: [4, 25] });
    for (let i = 0; i < 8; i++) expect(store.get('float', 'x', i).data()).toEqual(chunk(i).data());
    expect(store.shapes('x').dims).toEqual(Array(8).fill([4, 25]));
  } finally {
    store.close();
  }
});

it('uses the place of what was forgotten again, in memory and on disk', () => {
  const places: number[] = [];
  const store = new ActivationStore(400, () => {
    const file = openSpillFile();
    return {
      ...file,
      write: (bytes) => {
        const ticket = file.write(bytes);
        places.push(ticket.offset);
        return ticket;
      },
    };
  });
  try {
    for (const name of ['a', 'b', 'c']) {
      for (let i = 0; i < 3; i++) store.append('float', name, chunk(i));
      expect(store.get('float', name, 2).data()).toEqual(chunk(2).data());
      store.delete(name);
      expect(store.bytes).toBe(0);
    }
    expect(Math.max(...places)).toBe(400);
  } finally {
    store.close();
  }
});

it('serves both networks by one value until they differ', () => {
  const store = new ActivationStore(1e6, openSpillFile);
  store.append('float', 'x', chunk(1));
  expect(store.get('quantized', 'x', 0).data()).toEqual(chunk(1).data());
  store.append('quantized', 'x', chunk(2));
  expect(store.get('quantized', 'x', 0).data()).toEqual(chunk(2).data());
  expect(store.get('float', 'x', 0).data()).toEqual(chunk(1).data());
});

it('keeps integers as they are', () => {
  const store = new ActivationStore(0, openSpillFile);
  try {
    store.append('float', 'shape', int64Tensor([1, 2, 3]));
    expect(store.get('float', 'shape', 0)).toMatchObject({ dtype: 'int64', dims: [3] });
    expect(store.get('float', 'shape', 0).data()).toEqual(BigInt64Array.of(1n, 2n, 3n));
  } finally {
    store.close();
  }
});

/** One bit a sample, packed: which samples were answered correctly. */
export class BitSet {
  constructor(
    readonly length: number,
    readonly bytes: Uint8Array = new Uint8Array(Math.ceil(length / 8)),
  ) {}

  has(index: number): boolean {
    return ((this.bytes[index >>> 3]! >>> (index & 7)) & 1) === 1;
  }

  add(index: number): void {
    const at = index >>> 3;
    this.bytes[at] = this.bytes[at]! | (1 << (index & 7));
  }

  get count(): number {
    let count = 0;
    for (let byte of this.bytes) for (; byte !== 0; byte &= byte - 1) count++;
    return count;
  }

  /** How many samples are in this set and not in the other. */
  countWithout(other: BitSet): number {
    let count = 0;
    for (const [i, byte] of this.bytes.entries())
      for (let left = byte & ~(other.bytes[i] ?? 0); left !== 0; left &= left - 1) count++;
    return count;
  }

  toBase64(): string {
    return btoa(Array.from(this.bytes, (byte) => String.fromCharCode(byte)).join(''));
  }

  static fromBase64(length: number, text: string): BitSet {
    return new BitSet(
      length,
      Uint8Array.from(atob(text), (char) => char.charCodeAt(0)),
    );
  }
}

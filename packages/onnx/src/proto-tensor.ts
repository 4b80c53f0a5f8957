import {
  BitwrightError,
  type ByteSourceResolver,
  type DType,
  dtypeOfCode,
  elementCount,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import { isExternal, readExternal } from './external-data.js';
import type { TensorProto } from './messages.js';
import { fromRaw, fromTypedField, rawLength, storageOf, toRaw } from './storage.js';

/**
 * A tensor of a file, read only when asked.
 *
 * Nothing is checked before it is used, so a model with a tensor that nobody can read still loads and passes through.
 * `data()` is a view of the file's buffer where the bytes are aligned for the type and otherwise decodes on every call.
 * float16, bfloat16 and narrower floats stay raw bits; 4- and 2-bit types are unpacked, one an element; complex numbers
 * are pairs (real, imaginary), so their data is twice as long as the shape says.
 */
export class ProtoTensor implements Tensor {
  readonly #resolve: ByteSourceResolver | undefined;
  #dims: readonly number[] | undefined;

  /**
   * @param proto the tensor as the file has it, which {@link tensorToProto} gives back.
   * @param resolve opens the files of external data.
   */
  constructor(
    readonly proto: TensorProto,
    resolve?: ByteSourceResolver,
  ) {
    this.#resolve = resolve;
  }

  /** The name in the file; empty when it has none. */
  get name(): string {
    return this.proto.name ?? '';
  }

  /** @throws TENSOR_DTYPE_UNKNOWN for a type that ONNX added later, or none. */
  get dtype(): DType {
    const code = this.proto.dataType ?? 0;
    const dtype = dtypeOfCode(code);
    if (dtype !== undefined) return dtype;
    throw new BitwrightError({
      code: 'TENSOR_DTYPE_UNKNOWN',
      message:
        code === 0
          ? `The tensor '${this.name}' has no element type.`
          : `The tensor '${this.name}' has element type ${code}, which this version does not know.`,
      hint: 'Convert the tensor to a type of ONNX opset 25 or lower.',
      at: { value: this.name },
    });
  }

  /** @throws TENSOR_DIMS for a negative dimension or an impossible number of elements. */
  get dims(): readonly number[] {
    if (this.#dims === undefined) {
      const dims = (this.proto.dims ?? []).map(Number);
      if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(elementCount(dims))) {
        throw new BitwrightError({
          code: 'TENSOR_DIMS',
          message: `The tensor '${this.name}' has the impossible shape [${dims.join(', ')}].`,
          hint: 'The file is damaged, or the tool that wrote it has a fault: write it again.',
          at: { value: this.name },
        });
      }
      this.#dims = dims;
    }
    return this.#dims;
  }

  /** The length of {@link rawBytes} by type and shape, without reading anything; 0 for strings. */
  get byteLength(): number {
    return rawLength(this.dtype, elementCount(this.dims));
  }

  /**
   * The elements in row-major order; do not change them.
   *
   * @throws TENSOR_DATA_LENGTH when there are not as many as the shape says; EXTERNAL_DATA_RANGE,
   * EXTERNAL_DATA_LOCATION or EXTERNAL_DATA_UNRESOLVED; TENSOR_DTYPE_UNKNOWN; TENSOR_DIMS.
   */
  data(): TensorData {
    const { dtype, proto } = this;
    const count = elementCount(this.dims);
    if (dtype === 'string') return this.#strings(count);
    const raw = this.#raw(dtype, count);
    if (raw !== undefined) {
      this.#checkRaw(dtype, raw, count);
      return fromRaw(dtype, raw, count);
    }
    const data = fromTypedField(dtype, proto, count);
    if (data !== undefined) return data;
    const { field, parts } = storageOf(dtype);
    throw this.#lengthError(`${count * parts} elements in ${field}`, `${proto[field]?.length ?? 0}`);
  }

  /**
   * The elements in raw form, as `rawData` has them: little-endian, 4- and 2-bit types packed. A view where possible.
   *
   * @throws TENSOR_DTYPE for strings, which have no raw form; else as {@link data}.
   */
  rawBytes(): Uint8Array {
    const { dtype } = this;
    if (dtype === 'string') {
      throw new BitwrightError({
        code: 'TENSOR_DTYPE',
        message: `The string tensor '${this.name}' has no raw form.`,
        hint: 'Read its strings with data().',
        at: { value: this.name },
      });
    }
    const count = elementCount(this.dims);
    const raw = this.#raw(dtype, count);
    if (raw === undefined) return toRaw(dtype, this.data() as ReturnType<typeof fromRaw>);
    this.#checkRaw(dtype, raw, count);
    return raw;
  }

  /** The raw elements, or undefined when the tensor keeps them in a typed field. */
  #raw(dtype: DType, count: number): Uint8Array | undefined {
    if (isExternal(this.proto)) return readExternal(this.proto, this.#resolve, rawLength(dtype, count));
    const { rawData } = this.proto;
    // Some writers leave an empty rawData beside the typed field.
    return rawData !== undefined && rawData.length > 0 ? rawData : undefined;
  }

  #checkRaw(dtype: DType, raw: Uint8Array, count: number): void {
    const needed = rawLength(dtype, count);
    if (raw.length !== needed) throw this.#lengthError(`${needed} bytes`, `${raw.length}`);
  }

  #strings(count: number): readonly Uint8Array[] {
    const strings = this.proto.stringData ?? [];
    if (strings.length !== count) throw this.#lengthError(`${count} strings`, `${strings.length}`);
    return strings;
  }

  #lengthError(needed: string, found: string): BitwrightError {
    return new BitwrightError({
      code: 'TENSOR_DATA_LENGTH',
      message: `The tensor '${this.name}' (${this.dtype}, shape [${this.dims.join(', ')}]) needs ${needed} and has ${found}.`,
      hint: 'The file is damaged, or the tool that wrote it has a fault: write it again.',
      at: { value: this.name },
    });
  }
}

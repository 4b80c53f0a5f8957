export {
  channelLayout,
  clamp,
  dequantizeTensor,
  dequantizeValue,
  fakeQuantizeTensor,
  MIN_SCALE,
  powerOfTwoAtLeast,
  type QParams,
  type QuantGrid,
  quantGrid,
  quantizeTensor,
  quantizeValue,
  type RangeToQParams,
  rangeToQParams,
  roundHalfEven,
} from './affine.js';
export { BufferSource, type ByteSource, type ByteSourceResolver } from './bytes.js';
export { codeOfDtype, DTYPES, type DType, dtypeOfCode, isDtype } from './dtype.js';
export {
  BitwrightError,
  type BitwrightErrorInit,
  type Diagnostic,
  describeThrown,
  type ErrorPlace,
} from './errors.js';
export { findNamed } from './find-named.js';
export { didYouMean, nearestName } from './nearest.js';
export { seededPermutation, seededRandom } from './random.js';
export { packError, type SentError, unpackError } from './sent-error.js';
export { signedBits } from './signed-bits.js';
export {
  DenseTensor,
  elementCount,
  floatData,
  floatTensor,
  int64Tensor,
  integerData,
  LazyTensor,
  type Tensor,
  type TensorData,
} from './tensor.js';

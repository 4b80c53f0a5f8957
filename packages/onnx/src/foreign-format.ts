/** What a file is that is no ONNX model, and what to do with it. */
export interface ForeignFormat {
  readonly what: string;
  readonly hint: string;
}

interface Signature extends ForeignFormat {
  readonly offset: number;
  readonly magic: string;
}

const EXPORT = 'Export the model to ONNX first, e.g. with torch.onnx.export or tf2onnx.';
const UNPACK = 'Unpack it and give the .onnx file that is in it.';

const SIGNATURES: readonly Signature[] = [
  {
    offset: 0,
    magic: 'version https://git-lfs',
    what: 'a Git LFS pointer, not the model itself',
    hint: "Fetch the file with 'git lfs pull', or download it from the repository's page.",
  },
  {
    offset: 0,
    magic: 'PK\x03\x04',
    what: 'a zip archive, as PyTorch checkpoints and .npz are',
    hint: `${EXPORT} ${UNPACK}`,
  },
  { offset: 0, magic: '\x1f\x8b', what: 'a gzip archive', hint: UNPACK },
  { offset: 0, magic: '\xfd7zXZ', what: 'an xz archive', hint: UNPACK },
  { offset: 0, magic: '\x89HDF', what: 'an HDF5 file, as Keras writes', hint: EXPORT },
  { offset: 4, magic: 'TFL3', what: 'a TensorFlow Lite model', hint: EXPORT },
  {
    offset: 4,
    magic: 'ORTM',
    what: "a model in ONNX Runtime's own format",
    hint: 'Give the .onnx file that it was made from.',
  },
  { offset: 0, magic: '\x93NUMPY', what: 'a NumPy array', hint: 'Give the .onnx file of the model.' },
  { offset: 0, magic: '\x80\x02', what: 'a Python pickle, as old PyTorch checkpoints are', hint: EXPORT },
];

/** The format of bytes that are something else than protobuf, by their first bytes; undefined when nothing is recognised. */
export function foreignFormat(bytes: Uint8Array): ForeignFormat | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 512));
  const signature = SIGNATURES.find(({ offset, magic }) => head.startsWith(magic, offset));
  if (signature !== undefined) return signature;
  if (!/^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(head)) return undefined;
  const text = head.trimStart().replace(/^\xef\xbb\xbf/, '');
  if (/^<(!doctype|html|\?xml|head|body)/i.test(text)) {
    return {
      what: 'a web page',
      hint: 'The download gave a page instead of the file: fetch it by its direct address.',
    };
  }
  if (/^[{[]/.test(text)) return { what: 'JSON text', hint: 'Give the binary .onnx file of the model.' };
  return { what: 'a text', hint: 'Give the binary .onnx file of the model; its textual form is not read.' };
}

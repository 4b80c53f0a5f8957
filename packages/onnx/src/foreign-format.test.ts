import { expect, it } from 'vitest';
import { decodeModel } from './index.js';

const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

it.each([
  ['version https://git-lfs.github.com/spec/v1\noid sha256:12\n', /Git LFS pointer/],
  ['PK\x03\x04\x14\x00\x00', /zip archive/],
  ['\x1f\x8b\x08\x00', /gzip archive/],
  ['\x89HDF\r\n\x1a\n', /HDF5/],
  ['\x1c\x00\x00\x00TFL3\x00', /TensorFlow Lite/],
  ['\x93NUMPY\x01\x00', /NumPy/],
  ['\x80\x02}q\x00', /pickle/],
  ['\n <!doctype html><p>404', /web page/],
  ['{"error": 404}', /JSON/],
  ['\xef\xbb\xbf{}', /JSON/],
  ['ir_version: 7\ngraph {', /text/],
])('%j is named', (head, what) => {
  const error = expect.objectContaining({
    code: 'ONNX_NOT_PROTOBUF',
    message: expect.stringMatching(what),
    hint: expect.stringMatching(/\w/),
  });
  expect(() => decodeModel(latin1(head), 'download')).toThrow(error);
});

export {
  assertReadable,
  assertWritable,
  FileSource,
  readFileBytes,
  siblingFiles,
  writeFileAtomically,
} from './files.js';

export { assertWritable, FileSource, readFileBytes, siblingFiles, writeFileAtomically } from './files.js';

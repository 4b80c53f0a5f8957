export { type EmitFilesOptions, type EmittedFiles, emitFiles } from './emit-files.js';
export { type EmitOptions, emitBytes, emitModel } from './emit-model.js';

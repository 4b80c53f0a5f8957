export { type CaptureOptions, captureModel } from './capture-model.js';
export { SparseTensor } from './sparse-tensor.js';
export { type OpsetUpgrade, upgradeOpset } from './upgrade/upgrade-opset.js';
export { irVersionOfOpset, LATEST_IR_VERSION, LATEST_OPSET } from './versions.js';

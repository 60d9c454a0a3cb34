/** Base of every error that dropgan raises on purpose. */
export class DropganError extends Error {}
/** A model file that is missing, damaged, not ONNX, or not one of dropgan's. */
export class ModelError extends DropganError {}
/** A device that was asked for does not exist, or a runtime that is not installed. */
export class DeviceError extends DropganError {}
/** An argument of the wrong type, shape or range. */
export class InputError extends DropganError {}

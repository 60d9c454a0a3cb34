// Each class states its name: a minifier renames classes, and a program may log or compare names.

/** The errors that dropgan raises on purpose: one line saying what is wrong and what to do. */
export class DropganError extends Error {
  get name() {
    return "DropganError";
  }
}

/** A model file that is missing, damaged, not ONNX, or not one of dropgan's. */
export class ModelError extends DropganError {
  get name() {
    return "ModelError";
  }
}

/** A device that was asked for does not exist, or a runtime that is not installed. */
export class DeviceError extends DropganError {
  get name() {
    return "DeviceError";
  }
}

/** An argument of the wrong type, shape or range. */
export class InputError extends DropganError {
  get name() {
    return "InputError";
  }
}

/** What another library raised, as part of a message. */
export function firstLine(error) {
  return String(error?.message ?? error).split("\n")[0].slice(0, 300);
}

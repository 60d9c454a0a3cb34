// What every entry gives beside its own Generator.

export { readCard } from "./card.js";
export { DeviceError, DropganError, InputError, ModelError } from "./errors.js";
export { LABEL_STREAM_NAME, LabelStream } from "./labels.js";
export { LatentStream, STREAM_NAME } from "./latents.js";
export { Samples } from "./samples.js";
export { seedNumber } from "./seeds.js";

export { type Card, type Score, readCard } from "./card.js";
export { DeviceError, DropganError, InputError, ModelError } from "./errors.js";
export { Generator, type LoadOptions } from "./generator.js";
export { type Label, type Labels, LABEL_STREAM_NAME, LabelStream } from "./labels.js";
export { type Integer, LatentStream, type Range, STREAM_NAME } from "./latents.js";
export { Samples } from "./samples.js";
export { seedNumber } from "./seeds.js";

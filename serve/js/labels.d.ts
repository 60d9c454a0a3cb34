import type { Range } from "./latents.js";

/** Name of the stream, as a model's card gives it. */
export const LABEL_STREAM_NAME: "philox4x64-multiplyhigh-v1";

/** A class by its number or its name. */
export type Label = number | bigint | string;

/** One label for all samples, or one for each. */
export type Labels = Label | readonly Label[] | Int32Array | Uint8Array | BigInt64Array;

/** Labels, all equally likely, addressed by seed and absolute sample index. */
export class LabelStream {
  /** @param classes Number of classes, 1 to 2**20. */
  constructor(classes: number);
  readonly classes: number;
  /**
   * Labels of the samples `start` to `start + count - 1`, 0 to `classes - 1`.
   *
   * @throws InputError An argument is out of its range.
   */
  labels(count: number, range?: Range): Int32Array;
}

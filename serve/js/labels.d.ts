import type { Range } from "./latents.js";

/** Name of the stream, as a model's card gives it. */
export const LABEL_STREAM_NAME: "philox4x64-multiplyhigh-v1";

/** A class by its number, the data's own, or by its name. */
export type Label = number | bigint | string;

/**
 * One label for all samples, or one for each; or how to draw them: `"uniform"` (all classes equally often),
 * `"data"` (as often as in the training data), `"balanced"` (in turn).
 */
export type Labels = Label | readonly Label[] | Int32Array | Uint8Array | BigInt64Array;

/** Classes by their places, equally often or in given shares, addressed by seed and absolute sample index. */
export class LabelStream {
  /**
   * @param classes Number of classes, 1 to 2**20.
   * @param counts How often each is drawn, in proportion; all equally often without.
   */
  constructor(classes: number, counts?: readonly number[]);
  readonly classes: number;
  /**
   * Places of the classes of samples `start` to `start + count - 1`, 0 to `classes - 1`.
   *
   * @throws InputError An argument is out of its range or unknown, or so many do not fit into one array.
   */
  labels(count: number, range?: Range): Int32Array<ArrayBuffer>;
}

/** Name of the stream, as a model's card gives it. */
export const STREAM_NAME: "philox4x64-boxmuller-v1";

/** A whole number; beyond `Number.MAX_SAFE_INTEGER` it must be a bigint. */
export type Integer = number | bigint;

export interface Range {
  /** Which stream of samples: 0 to 2**64 - 1, or any text, see `seedNumber`. Default 0. */
  seed?: Integer | string;
  /** Index of the first sample, 0 to 2**60. Default 0. */
  start?: Integer;
}

/** Standard normal latents addressed by seed and absolute sample index. */
export class LatentStream {
  /** @param dim Components of a latent, at least 1. */
  constructor(dim: number);
  readonly dim: number;
  /**
   * Latents of the samples `start` to `start + count - 1`.
   *
   * @returns `count * dim` values, row by row; within 5e-6 of the float64 formula.
   * @throws InputError An argument is out of its range or unknown, or so many do not fit into one array.
   */
  latents(count: number, range?: Range): Float32Array<ArrayBuffer>;
}

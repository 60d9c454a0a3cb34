import type { Card } from "./card.js";
import type { Labels } from "./labels.js";
import type { Integer, Range } from "./latents.js";
import type { Samples } from "./samples.js";

export interface LoadOptions {
  /**
   * In browsers `auto` (WebGPU where there is one, else WebAssembly), `webgpu` or `wasm`; in Node
   * `auto` or `cpu`. A device that is named is never replaced by another.
   */
  device?: "auto" | "webgpu" | "wasm" | "cpu";
}

/**
 * An exported generator, ready to sample.
 *
 * Sample i of seed s depends on nothing but the model, s and i. Latents are those of Python's
 * `dropgan.serve` within 5e-6, pixels within 1 level of 255, graphs the same.
 */
export class Generator {
  protected constructor();

  /**
   * Open a model that `dropgan export` wrote.
   *
   * @param source Address of the file (in Node also a path), or its bytes.
   * @throws ModelError The file is missing, damaged, not dropgan's, changed since its export, or holds
   *   what no generator needs; it is refused before onnxruntime sees it.
   * @throws DeviceError The device does not work here, or onnxruntime is not installed or not whole.
   * @throws InputError There is no such device or option.
   */
  static load(source: string | URL | Uint8Array | ArrayBuffer, options?: LoadOptions): Promise<Generator>;

  /** What the file says of itself. */
  readonly card: Card;
  /** What runs the model: `webgpu`, `wasm` or `cpu`. */
  readonly provider: string;
  /** Number of classes of a class-conditional model, 0 of any other. */
  readonly classes: number;
  /** The data's own numbers of the classes, by which labels name them. */
  readonly classNumbers: number[];
  /** Names of the classes, in the order of `classNumbers`; empty where they have none. */
  readonly classNames: string[];
  /** Shape of one sample, e.g. [28, 28, 1]. */
  readonly sampleShape: number[];
  /** Height and width of one sample's picture in pixels; see `Samples.pictureSize`. */
  readonly pictureSize: readonly [number, number];
  /** Whether `dispose` was called. */
  readonly disposed: boolean;

  /**
   * Samples `start` to `start + count - 1` of `seed`.
   *
   * @returns uint8 [count, height, width, channels]; float32 [count, channels, height, width],
   *   -1 to 1, from a file exported with float output; uint8 [count, nodes, nodes] of graphs.
   * @throws InputError An argument is out of its range or unknown, or so many do not fit into one array.
   * @throws DropganError The generator was disposed of.
   */
  sample(count: number, options?: Range & { labels?: Labels }): Promise<Samples>;

  /**
   * The samples of `sample`, batch by batch; `batchSize` (32) changes the speed, never a pixel.
   *
   * @throws InputError An argument is out of its range or unknown: at once, not at the first batch.
   * @throws DropganError The generator was disposed of.
   */
  stream(
    count: number,
    options?: Range & { labels?: Labels; batchSize?: number },
  ): AsyncGenerator<Samples>;

  /** The latents behind samples `start` to `start + count - 1`: `count * card.latents.dim` values. */
  latents(count: number, options?: Range): Float32Array<ArrayBuffer>;

  /**
   * The labels of samples `start` to `start + count - 1`: numbers of their classes.
   *
   * @throws InputError The model is not class-conditional.
   */
  labels(count: number, options?: Range & { labels?: Labels }): Int32Array<ArrayBuffer>;

  /**
   * Samples from latents of your own (an interpolation, say), `n * card.latents.dim` values. A
   * class-conditional model needs labels too. Both are copied before this returns.
   *
   * @throws InputError The arrays do not fit the model.
   * @throws DropganError The generator was disposed of.
   */
  generate(latents: Float32Array, labels?: Labels): Promise<Samples>;

  /** Free the session's memory; what is asked of the generator afterwards, or still under way, fails. */
  dispose(): Promise<void>;
}

export type { Card, Integer, Range, Samples };

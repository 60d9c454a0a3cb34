type Values = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** Samples as a generator gives them. */
export class Samples<Data extends Values = Values> {
  constructor(data: Data, shape: readonly number[]);
  /** All values, row-major. */
  readonly data: Data;
  /** [count, height, width, channels] of pixels; [count, channels, height, width] of floats. */
  readonly shape: readonly number[];
  /** How many there are. */
  readonly count: number;
  /**
   * One image as `height * width * 4` bytes of red, green, blue and opacity.
   *
   * @throws InputError There is no such image, or the samples are no pixels.
   */
  rgba(index: number): Uint8ClampedArray<ArrayBuffer>;
  /** One image as browsers want it. In browsers only. */
  toImageData(index?: number): ImageData;
  /**
   * Draw all images into a canvas, row by row; its size is set to fit, the gaps stay clear.
   *
   * @returns The canvas.
   * @throws InputError There are no images, or more than a canvas holds.
   */
  toCanvas<Canvas extends HTMLCanvasElement | OffscreenCanvas>(
    canvas: Canvas,
    options?: { columns?: number; gap?: number },
  ): Canvas;
}

type Values = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** Samples as a generator gives them. */
export class Samples<Data extends Values = Values> {
  constructor(data: Data, shape: readonly number[]);
  /** All values, row-major. */
  readonly data: Data;
  /**
   * [count, height, width, channels] of pixels; [count, channels, height, width] of floats;
   * [count, nodes, nodes] of graphs.
   */
  readonly shape: readonly number[];
  /** How many there are. */
  readonly count: number;
  /** Height and width of one image in pixels: of graphs, those of a drawing. */
  readonly pictureSize: readonly [number, number];
  /**
   * One image as `height * width * 4` bytes of red, green, blue and opacity. Graphs are drawn as Python
   * draws them, to the byte: nodes on a circle, edges as lines, types as colours.
   *
   * @throws InputError There is no such image, or the samples are neither pixels nor graphs.
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

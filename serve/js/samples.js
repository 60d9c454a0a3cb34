// What a generator gives: the values, their shape, and ways to show them.

import { readOptions, show } from "./arguments.js";
import { draw, SIDE } from "./drawing.js";
import { InputError } from "./errors.js";

const [MAX_SIDE, MAX_AREA] = [32767, 2 ** 28]; // of a canvas; beyond them browsers draw nothing, silently

export class Samples {
  constructor(data, shape) {
    this.data = data;
    this.shape = shape;
  }

  get count() {
    return this.shape[0];
  }

  /** Height and width of one image; graphs are drawn. */
  get pictureSize() {
    return this.#areGraphs ? [SIDE, SIDE] : [this.shape[1], this.shape[2]];
  }

  get #areGraphs() {
    return this.data instanceof Uint8Array && this.shape.length === 3;
  }

  /** Image number `index` as RGBA bytes. */
  rgba(index) {
    const [count, height, width, channels] = this.shape;
    if (!this.#areGraphs && (!(this.data instanceof Uint8Array) || ![1, 3, 4].includes(channels))) {
      throw new InputError("only graphs and uint8 images of 1, 3 or 4 channels can be shown");
    }
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new InputError(`there are ${count} images, but none has the number ${show(index)}`);
    }
    if (this.#areGraphs) return draw(this.data.subarray(index * height * width, (index + 1) * height * width), height);
    const pixels = height * width;
    const image = this.data.subarray(index * pixels * channels, (index + 1) * pixels * channels);
    const out = new Uint8ClampedArray(pixels * 4).fill(255);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let colour = 0; colour < Math.max(3, channels); colour++) {
        out[pixel * 4 + colour] = image[pixel * channels + (channels === 1 ? 0 : colour)];
      }
    }
    return out;
  }

  toImageData(index = 0) {
    const [height, width] = this.pictureSize;
    return new ImageData(this.rgba(index), width, height);
  }

  toCanvas(canvas, options) {
    const { count } = this;
    const [height, width] = this.pictureSize;
    const { columns = Math.ceil(Math.sqrt(count)), gap = 1 } = readOptions(options, ["columns", "gap"]);
    if (!Number.isInteger(columns) || columns < 1 || count === 0 || !Number.isInteger(gap) || gap < 0) {
      throw new InputError("a grid needs at least one image and one column, and a gap of 0 or more");
    }
    const [wide, high] = [columns * (width + gap) + gap, Math.ceil(count / columns) * (height + gap) + gap];
    if (Math.max(wide, high) > MAX_SIDE || wide * high > MAX_AREA) {
      throw new InputError(`a grid of ${wide} x ${high} pixels is more than a canvas can hold: draw fewer images`);
    }
    [canvas.width, canvas.height] = [wide, high];
    const context = canvas.getContext("2d");
    for (let index = 0; index < count; index++) {
      const [row, column] = [Math.floor(index / columns), index % columns];
      context.putImageData(this.toImageData(index), gap + column * (width + gap), gap + row * (height + gap));
    }
    return canvas;
  }
}

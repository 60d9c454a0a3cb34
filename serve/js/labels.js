// The streams that draw the class of each sample where nobody chooses it. docs/latents.md defines them,
// tests/golden/labels.json holds every language to them.

import { makeRows, readOptions, readRange, show } from "./arguments.js";
import { InputError } from "./errors.js";
import { COUNTER_WORDS, high32, increment, low32, philox4x64, splitCounter, splitKey } from "./philox.js";

export const LABEL_STREAM_NAME = "philox4x64-multiplyhigh-v1";

const LABELS = 1; // second word of the key
const MAX_CLASSES = 2 ** 20;
const MAX_COUNTED = 2 ** 32 - 1;
const WORDS_PER_BLOCK = 4;

export class LabelStream {
  #ends;
  #total;

  constructor(classes, counts = []) {
    if (!Number.isInteger(classes) || classes < 1 || classes > MAX_CLASSES) {
      throw new InputError(`the number of classes must be a whole number from 1 to 2**20, not ${show(classes)}`);
    }
    const ends = [];
    for (const count of counts) ends.push((ends.at(-1) ?? 0) + count);
    const total = counts.length === 0 ? classes : ends.at(-1);
    const whole = counts.every((count) => Number.isInteger(count) && count >= 0);
    if (!whole || ![0, classes].includes(counts.length) || total < 1 || total > MAX_COUNTED) {
      throw new InputError("shares are one count of 0 or more for each class, 1 to 2**32 - 1 in all");
    }
    this.classes = classes;
    this.#ends = ends;
    this.#total = total;
  }

  /** Places of the classes of samples `start` to `start + count - 1`. */
  labels(count, options) {
    const range = readRange(count, readOptions(options, ["seed", "start"]));
    const out = makeRows(Int32Array, range.count, 1, "ask for fewer at a time, from start on");
    const counter = splitCounter(range.start / 4n + 1n);
    const key = splitKey(range.seed, LABELS);
    const words = new Uint32Array(COUNTER_WORDS);
    let place = Number(range.start % 4n);
    if (place !== 0 && out.length > 0) next(words, counter, key);
    for (let sample = 0; sample < out.length; sample++) {
      if (place === 0) next(words, counter, key);
      out[sample] = this.#place(highOfProduct(words[2 * place], words[2 * place + 1], this.#total));
      place = (place + 1) % WORDS_PER_BLOCK;
    }
    return out;
  }

  /** The class that has the drawn one of all counted samples, which are sorted by class. */
  #place(drawn) {
    if (this.#ends.length === 0) return drawn;
    let [low, high] = [0, this.#ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle] > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function next(words, counter, key) {
  philox4x64(words, counter, key);
  increment(counter);
}

/** floor(word * total / 2**64) of a word given as two halves. */
function highOfProduct(low, high, total) {
  const middle = high32(low, total) + low32(high, total);
  return high32(high, total) + (middle >= 2 ** 32 ? 1 : 0);
}

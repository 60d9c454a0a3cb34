// The label stream philox4x64-multiplyhigh-v1 of class-conditional models, and labels as users give
// them. docs/design.md defines it, tests/golden/labels.json holds every language to it.

import { InputError } from "./errors.js";
import { checkRange } from "./latents.js";
import { COUNTER_WORDS, high32, increment, low32, philox4x64, splitCounter, splitKey } from "./philox.js";

export const LABEL_STREAM_NAME = "philox4x64-multiplyhigh-v1";

const LABELS = 1; // second word of the key
const MAX_CLASSES = 2 ** 20;
const WORDS_PER_BLOCK = 4;

export class LabelStream {
  constructor(classes) {
    if (!Number.isInteger(classes) || classes < 1 || classes > MAX_CLASSES) {
      throw new InputError(`the number of classes must be a whole number from 1 to 2**20, not ${classes}`);
    }
    this.classes = classes;
  }

  labels(count, { seed = 0, start = 0 } = {}) {
    const range = checkRange(count, seed, start);
    const out = new Int32Array(range.count);
    const counter = splitCounter(range.start / 4n + 1n);
    const key = splitKey(range.seed, LABELS);
    const words = new Uint32Array(COUNTER_WORDS);
    let place = Number(range.start % 4n);
    if (place !== 0 && out.length > 0) next(words, counter, key);
    for (let sample = 0; sample < out.length; sample++) {
      if (place === 0) next(words, counter, key);
      out[sample] = highOfProduct(words[2 * place], words[2 * place + 1], this.classes);
      place = (place + 1) % WORDS_PER_BLOCK;
    }
    return out;
  }
}

/** One label a sample from one for all or one for each, as numbers or names of classes. */
export function chooseLabels(labels, count, classes, names) {
  const each = Array.isArray(labels) || ArrayBuffer.isView(labels);
  if (each && labels.length !== count) {
    throw new InputError(`labels must be one label, or one for each of the ${count} samples, not ${labels.length}`);
  }
  const number = (label) => classNumber(label, classes, names);
  return each ? Int32Array.from([...labels].map(number)) : new Int32Array(count).fill(number(labels));
}

function classNumber(label, classes, names) {
  if (typeof label === "string") {
    const alike = (name) => name.toLowerCase() === label.toLowerCase();
    const exact = names.indexOf(label);
    if (exact >= 0) return exact;
    if (names.filter(alike).length === 1) return names.findIndex(alike);
    if (/^[0-9]{1,7}$/.test(label) && Number(label) < classes) return Number(label);
    throw new InputError(`this model has no class ${label}: take 0 to ${classes - 1}, or its name`);
  }
  const value = typeof label === "bigint" ? Number(label) : label;
  if (!Number.isInteger(value) || value < 0 || value >= classes) {
    throw new InputError(`labels of this model are 0 to ${classes - 1}, not ${String(label)}`);
  }
  return value;
}

function next(words, counter, key) {
  philox4x64(words, counter, key);
  increment(counter);
}

/** floor(word * classes / 2**64) of a word given as two halves. */
function highOfProduct(low, high, classes) {
  const middle = high32(low, classes) + low32(high, classes);
  return high32(high, classes) + (middle >= 2 ** 32 ? 1 : 0);
}

// The latent stream philox4x64-boxmuller-v1: sample i of seed s as a pure function of (s, i).
// docs/latents.md defines it, tests/golden/latents.json holds every language to it. The words come
// from Philox4x64-10 (Salmon et al., SC 2011), the normals from the Box-Muller transform (1958).

import { makeRows, readOptions, readRange, show } from "./arguments.js";
import { InputError } from "./errors.js";
import { COUNTER_WORDS, increment, philox4x64, splitCounter, splitKey } from "./philox.js";

export const STREAM_NAME = "philox4x64-boxmuller-v1";

const LATENTS = 0; // second word of the key

export class LatentStream {
  constructor(dim) {
    if (!Number.isInteger(dim) || dim < 1) {
      throw new InputError(`latent dimension must be a whole number of at least 1, not ${show(dim)}`);
    }
    this.dim = dim;
    this.blocks = Math.ceil(dim / 8);
  }

  latents(count, options) {
    const range = readRange(count, readOptions(options, ["seed", "start"]));
    const out = makeRows(Float32Array, range.count, this.dim, "ask for fewer at a time, from start on");
    const counter = splitCounter(range.start * BigInt(this.blocks) + 1n);
    const key = splitKey(range.seed, LATENTS);
    const words = new Uint32Array(COUNTER_WORDS);
    for (let first = 0; first < out.length; first += this.dim) {
      for (let block = 0; block < this.blocks; block++) {
        philox4x64(words, counter, key);
        increment(counter);
        const wanted = Math.min(8, this.dim - 8 * block);
        boxMuller(words, out.subarray(first + 8 * block, first + 8 * block + wanted));
      }
    }
    return out;
  }
}

/** Up to eight normals from the eight halves of a block. */
function boxMuller(words, out) {
  for (let place = 0; place < out.length; place += 2) {
    const radius = Math.sqrt(-2 * Math.log(uniform(words[place])));
    const angle = 2 * Math.PI * uniform(words[place + 1]);
    out[place] = radius * Math.cos(angle);
    if (place + 1 < out.length) out[place + 1] = radius * Math.sin(angle);
  }
}

function uniform(word) {
  return ((word >>> 9) + 0.5) / 2 ** 23;
}

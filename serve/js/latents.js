// The latent stream philox4x64-boxmuller-v1: sample i of seed s as a pure function of (s, i).
// docs/design.md defines it, tests/golden/latents.json holds every language to it. The words come
// from Philox4x64-10 (Salmon et al., SC 2011), the normals from the Box-Muller transform (1958).

import { InputError } from "./errors.js";
import { COUNTER_WORDS, increment, philox4x64, splitCounter, splitKey } from "./philox.js";

export const STREAM_NAME = "philox4x64-boxmuller-v1";

const MAX_SEED = 2n ** 64n - 1n;
const MAX_INDEX = 2n ** 60n;
const MAX_COUNT = 2 ** 31;
const LATENTS = 0; // second word of the key

export class LatentStream {
  constructor(dim) {
    if (!Number.isInteger(dim) || dim < 1) {
      throw new InputError(`latent dimension must be a whole number of at least 1, not ${dim}`);
    }
    this.dim = dim;
    this.blocks = Math.ceil(dim / 8);
  }

  latents(count, { seed = 0, start = 0 } = {}) {
    const range = checkRange(count, seed, start);
    const out = new Float32Array(range.count * this.dim);
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

/** Check a sample range and give it as { count: number, seed: bigint, start: bigint }. */
export function checkRange(count, seed, start) {
  if (!Number.isInteger(count) || count < 0 || count > MAX_COUNT) {
    throw new InputError(`the number of samples must be a whole number of 0 or more, not ${count}`);
  }
  const range = { count, seed: toBigInt(seed, "seed"), start: toBigInt(start, "start") };
  if (range.seed < 0n || range.seed > MAX_SEED) {
    throw new InputError(`the seed must lie between 0 and 2**64 - 1, not ${seed}`);
  }
  if (range.start < 0n || range.start + BigInt(count) > MAX_INDEX) {
    throw new InputError(`sample indices must lie between 0 and 2**60, not start at ${start}`);
  }
  return range;
}

function toBigInt(value, name) {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return BigInt(value);
  throw new InputError(
    `${name} must be a whole number, beyond 2**53 a BigInt (12345678901234567890n), not ${value}`,
  );
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

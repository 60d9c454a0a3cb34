// The latent stream philox4x64-boxmuller-v1: sample i of seed s as a pure function of (s, i).
// docs/design.md defines it, tests/golden/latents.json holds every language to it. The words come
// from Philox4x64-10 (Salmon et al., SC 2011), the normals from the Box-Muller transform (1958).

import { InputError } from "./errors.js";

export const STREAM_NAME = "philox4x64-boxmuller-v1";

const MAX_SEED = 2n ** 64n - 1n;
const MAX_INDEX = 2n ** 60n;
const MAX_COUNT = 2 ** 31;
const ROUNDS = 10;
const COUNTER_WORDS = 8; // a block has 256 bits, kept as eight 32-bit words, lowest first

// 64-bit constants as [high, low] halves: JavaScript's fast integers have 32 bits.
const [M0_HIGH, M0_LOW] = [0xd2e7470e, 0xe14c6c93];
const [M1_HIGH, M1_LOW] = [0xca5a8263, 0x95121157];
const [W0_HIGH, W0_LOW] = [0x9e3779b9, 0x7f4a7c15];
const [W1_HIGH, W1_LOW] = [0xbb67ae85, 0x84caa73b];

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
    const [seedLow, seedHigh] = [Number(range.seed & 0xffffffffn), Number(range.seed >> 32n)];
    const words = new Uint32Array(COUNTER_WORDS);
    for (let first = 0; first < out.length; first += this.dim) {
      for (let block = 0; block < this.blocks; block++) {
        philox4x64(words, counter, seedLow, seedHigh);
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

function splitCounter(value) {
  const words = new Uint32Array(COUNTER_WORDS);
  for (let place = 0; value > 0n; place++, value >>= 32n) words[place] = Number(value & 0xffffffffn);
  return words;
}

function increment(counter) {
  for (let place = 0; place < COUNTER_WORDS; place++) {
    counter[place] += 1;
    if (counter[place] !== 0) return;
  }
}

/** The four 64-bit words of one block, as eight 32-bit halves, low half first. */
function philox4x64(out, counter, seedLow, seedHigh) {
  let [aLow, aHigh, bLow, bHigh, cLow, cHigh, dLow, dHigh] = counter;
  let [k0Low, k0High, k1Low, k1High] = [seedLow, seedHigh, 0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    // the 128-bit products a * M0 and c * M1, from four 32-bit products each
    let low = high32(aLow, M0_LOW) + low32(aLow, M0_HIGH) + low32(aHigh, M0_LOW);
    let high =
      high32(aLow, M0_HIGH) + high32(aHigh, M0_LOW) + low32(aHigh, M0_HIGH) + Math.floor(low / 2 ** 32);
    const left0 = low32(aLow, M0_LOW);
    const left1 = low >>> 0;
    const left2 = high >>> 0;
    const left3 = high32(aHigh, M0_HIGH) + Math.floor(high / 2 ** 32);
    low = high32(cLow, M1_LOW) + low32(cLow, M1_HIGH) + low32(cHigh, M1_LOW);
    high =
      high32(cLow, M1_HIGH) + high32(cHigh, M1_LOW) + low32(cHigh, M1_HIGH) + Math.floor(low / 2 ** 32);
    const right0 = low32(cLow, M1_LOW);
    const right1 = low >>> 0;
    const right2 = high >>> 0;
    const right3 = high32(cHigh, M1_HIGH) + Math.floor(high / 2 ** 32);

    aLow = (right2 ^ bLow ^ k0Low) >>> 0;
    aHigh = (right3 ^ bHigh ^ k0High) >>> 0;
    cLow = (left2 ^ dLow ^ k1Low) >>> 0;
    cHigh = (left3 ^ dHigh ^ k1High) >>> 0;
    [bLow, bHigh, dLow, dHigh] = [right0, right1, left0, left1];

    k0High = (k0High + W0_HIGH + (k0Low + W0_LOW >= 2 ** 32 ? 1 : 0)) >>> 0;
    k0Low = (k0Low + W0_LOW) >>> 0;
    k1High = (k1High + W1_HIGH + (k1Low + W1_LOW >= 2 ** 32 ? 1 : 0)) >>> 0;
    k1Low = (k1Low + W1_LOW) >>> 0;
  }
  out[0] = aLow;
  out[1] = aHigh;
  out[2] = bLow;
  out[3] = bHigh;
  out[4] = cLow;
  out[5] = cHigh;
  out[6] = dLow;
  out[7] = dHigh;
}

function low32(a, b) {
  return Math.imul(a, b) >>> 0;
}

/** The upper half of the product of two 32-bit numbers; every step stays below 2**53. */
function high32(a, b) {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const cross = aHigh * bLow + ((aLow * bLow) >>> 16);
  return aHigh * bHigh + (cross >>> 16) + ((aLow * bHigh + (cross & 0xffff)) >>> 16);
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

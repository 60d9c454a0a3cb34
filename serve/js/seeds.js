// Seeds from text. ASCII digits below 2**64 are that number; of any other text the seed is the first 8
// bytes, big-endian, of the SHA-256 of its UTF-8. tests/golden/seeds.json holds every language to it.
//
// SHA-256 (FIPS 180-4) is written here because the browsers' own is asynchronous, and missing in pages
// that come by plain HTTP.

import { InputError } from "./errors.js";

const MAX_SEED = 2n ** 64n - 1n;

/** The number of a seed that is text, 0n to 2n ** 64n - 1n. */
export function seedNumber(text) {
  if (text === "") throw new InputError("a seed is a number or a word, not an empty text");
  if (/^0*[0-9]{1,20}$/.test(text) && BigInt(text) <= MAX_SEED) return BigInt(text);
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text)) {
    throw new InputError("a seed is text that UTF-8 can write, without lone surrogates");
  }
  const [high, low] = sha256(new TextEncoder().encode(text));
  return (BigInt(high) << 32n) | BigInt(low);
}

// The fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8.
const PRIMES = [];
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);
const CONSTANTS = PRIMES.map((prime) => fraction(prime, 3n));
const BEGINNING = PRIMES.slice(0, 8).map((prime) => fraction(prime, 2n));

/** The first 32 bits behind the point of a root, by whole numbers: exact everywhere. */
function fraction(value, root) {
  const scaled = BigInt(value) << (32n * root);
  let [low, high] = [0n, 1n << 40n];
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** root <= scaled) low = middle;
    else high = middle - 1n;
  }
  return Number(low & 0xffffffffn);
}

const turn = (word, by) => (word >>> by) | (word << (32 - by));

/** The digest as eight unsigned 32-bit words. */
function sha256(bytes) {
  const padded = new Uint8Array(((bytes.length + 8) >> 6 << 6) + 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = Uint32Array.from(BEGINNING);
  const words = new Uint32Array(64);
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(block + 4 * i);
    for (let i = 16; i < 64; i++) {
      const [a, b] = [words[i - 15], words[i - 2]];
      const small = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
      words[i] = words[i - 16] + small + words[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const choice = (e & f) ^ (~e & g);
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + CONSTANTS[i] + words[i]) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] += value));
  }
  return state;
}

// Seeds from text. ASCII digits below 2**64 are that number; of any other text the seed is the first 8
// bytes, big-endian, of the SHA-256 of its UTF-8. tests/golden/seeds.json holds every language to it.

import { InputError } from "./errors.js";
import { sha256 } from "./sha256.js";

const MAX_SEED = 2n ** 64n - 1n;

/** The number of a seed that is text, 0n to 2n ** 64n - 1n. */
export function seedNumber(text) {
  if (text === "") throw new InputError("a seed is a number or a word, not an empty text");
  if (/^0*[0-9]{1,20}$/.test(text) && BigInt(text) <= MAX_SEED) return BigInt(text);
  if (/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text)) {
    throw new InputError("a seed must be text that UTF-8 can encode, without lone surrogates");
  }
  return BigInt(`0x${sha256([new TextEncoder().encode(text)]).slice(0, 16)}`);
}

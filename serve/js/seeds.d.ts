/**
 * The number of a seed that is text, 0n to 2n ** 64n - 1n: ASCII digits below 2**64 are that number; of
 * any other text it is the first 8 bytes, big-endian, of the SHA-256 of its UTF-8.
 *
 * @throws InputError The text is empty, or holds a lone surrogate.
 */
export function seedNumber(text: string): bigint;

// Arguments as a program gives them, checked before anything is made of them.

import { InputError } from "./errors.js";
import { seedNumber } from "./seeds.js";

const MAX_SEED = 2n ** 64n - 1n;
const MAX_INDEX = 2n ** 60n;
const MAX_BYTES = 2 ** 32 - 1;

/** The options by name. A misspelt one would be its default without a word, so it is refused. */
export function readOptions(options, known) {
  if (options === undefined) return {};
  const list = known.join(", ");
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InputError(`options are an object such as { ${known[0]}: ... } (of ${list}), not ${show(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new InputError(`there is no option ${show(unknown)}: there are ${list}`);
  return options;
}

/** A sample range as { count: number, seed: bigint, start: bigint }. */
export function readRange(count, { seed = 0, start = 0 }) {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new InputError(`the number of samples must be a whole number of 0 or more, not ${show(count)}`);
  }
  const number = typeof seed === "string" ? seedNumber(seed) : toBigInt(seed, "seed");
  const range = { count, seed: number, start: toBigInt(start, "start") };
  if (range.seed < 0n || range.seed > MAX_SEED) {
    throw new InputError(`the seed must lie between 0 and 2**64 - 1, not ${range.seed}`);
  }
  if (range.start < 0n || range.start + BigInt(count) > MAX_INDEX) {
    throw new InputError(`sample indices must lie between 0 and 2**60, not start at ${range.start}`);
  }
  return range;
}

/** A typed array for `count` rows of `size` values; one that does not fit is an InputError. */
export function makeRows(Values, count, size, advice) {
  const bytes = count * size * Values.BYTES_PER_ELEMENT;
  try {
    // some engines promise more than there is, and end the page when it is used
    if (bytes <= MAX_BYTES) return new Values(count * size);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const gigabytes = (bytes / 1e9).toPrecision(2);
  throw new InputError(`${count} samples at once need ${gigabytes} GB, more than one array holds: ${advice}`);
}

/** A wrong value as part of a message: short, on one line. */
export function show(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (Array.isArray(value)) return "an array";
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value).slice(0, 80);
}

function toBigInt(value, name) {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return BigInt(value);
  throw new InputError(
    `${name} must be a whole number, beyond 2**53 a BigInt (12345678901234567890n), not ${show(value)}`,
  );
}

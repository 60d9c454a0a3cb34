// The card: what a dropgan model file says of itself, as JSON in the file's metadata.

import { show } from "./arguments.js";
import { ModelError } from "./errors.js";
import { LABEL_STREAM_NAME } from "./labels.js";
import { STREAM_NAME } from "./latents.js";
import { readOnnx } from "./loading/file.js";

export const CARD_KEY = "dropgan";

const SCHEMA_MAJOR = "1";
const MAX_CLASSES = 2 ** 20;
const MAX_CLASS_NUMBER = 2 ** 31 - 1;
const MAX_COUNTED = 2 ** 32 - 1;
const MAX_DEPTH = 64;
// Python's NaN and Infinity in an earlier card, and texts, in which they mean nothing.
const NO_JSON = /"(?:[^"\\]|\\[^]?)*(?:"|$)|-?Infinity|NaN/g;

// What card.d.ts promises: a program may read these without asking whether they are there.
const text = (value) => typeof value === "string";
const number = (value) => typeof value === "number";
const whole = (value) => Number.isInteger(value);
const flag = (value) => typeof value === "boolean";
const listOf = (kind) => (value) => Array.isArray(value) && value.every((entry) => fits(entry, kind));
const maybe = (kind) => (value) => value === undefined || fits(value, kind);
const DATA = {
  kind: text,
  shape: listOf(whole),
  name: text,
  fingerprint: text,
  samples: whole,
  class_names: listOf(text),
  node_types: maybe(listOf(text)),
  edge_types: maybe(listOf(text)),
};
const LABELS = {
  classes: maybe(whole),
  stream: maybe(text),
  numbers: maybe(listOf(whole)),
  counts: maybe(listOf(whole)),
};
const PARITY = {
  provider: text,
  samples: whole,
  batches: listOf(whole),
  max_difference: number,
  tolerance: number,
  digest: maybe(text),
};
const CARD = {
  data: DATA,
  labels: maybe(LABELS),
  latents: { dim: whole, stream: text },
  architecture: { name: text, parameters: whole },
  dropout: { generator: number, discriminator: number, disabled: flag },
  training: { recipe: text, steps: whole, seed: whole, ema: flag },
  export: { opset: whole, precision: text, output: text, layout: maybe(text), parity: PARITY },
  scores: listOf({ name: text, value: number, samples: whole, reference: text }),
};

/** Read and check the card in the bytes of a model file. */
export function readCard(bytes) {
  return parseCard(readOnnx(bytes).metadata);
}

/** The card among a file's metadata. */
export function parseCard(metadata) {
  const json = metadata.get(CARD_KEY);
  if (json === undefined) throw new ModelError("the model has no dropgan card: it was not made by dropgan export");
  let card;
  try {
    card = readJson(json);
  } catch (error) {
    throw new ModelError(`the model's card is not valid JSON (${show(error.message)})`);
  }
  checkCard(card);
  return deepFreeze(card);
}

/** A number that is none is null in the file, and NaN here. */
function readJson(json) {
  const strict = json.replace(NO_JSON, (found) => (found.startsWith('"') ? found : "null"));
  return JSON.parse(strict, (_, value) => (value === null ? NaN : value));
}

function checkCard(card) {
  if (typeof card?.schema !== "string") {
    throw new ModelError("the model's card is not an object with a schema version");
  }
  if (card.schema.split(".")[0] !== SCHEMA_MAJOR) {
    throw new ModelError(
      `the model's card has schema version ${show(card.schema)}, this dropgan reads ${SCHEMA_MAJOR}: upgrade dropgan`,
    );
  }
  const wrong = Object.keys(CARD).find((part) => !fits(card, { [part]: CARD[part] }));
  if (wrong !== undefined) {
    throw new ModelError(`the model's card has no ${wrong}, or an invalid one`);
  }
  const { dim, stream } = card.latents;
  if (dim < 1 || card.data.shape.length === 0 || !card.data.shape.every((size) => size >= 1)) {
    throw new ModelError("the model's card has an empty latent or sample shape");
  }
  requireStream("latent", stream, STREAM_NAME);
  checkLabels(card.labels ?? {});
  checkOutput(card);
}

function checkLabels({ classes = 0, stream = "", numbers = [], counts = [] }) {
  if (classes < 0 || classes > MAX_CLASSES) {
    throw new ModelError("the model's card has an impossible number of classes");
  }
  const ofEach = (list) => [0, classes].includes(list.length) && list.every((value) => value >= 0);
  const different = new Set(numbers).size === numbers.length;
  if (!ofEach(numbers) || !different || numbers.some((number) => number > MAX_CLASS_NUMBER)) {
    throw new ModelError("the model's card has class numbers that are too large, repeated, or not one for each class");
  }
  const counted = counts.reduce((sum, count) => sum + count, 0);
  if (!ofEach(counts) || counted > MAX_COUNTED || (counts.length > 0 && counted < 1)) {
    throw new ModelError("the model's card has class counts that are too large or not one for each class");
  }
  if (classes > 0) requireStream("label", stream, LABEL_STREAM_NAME);
}

function requireStream(what, stream, known) {
  if (stream === known) return;
  throw new ModelError(
    `the model uses the ${what} stream ${show(stream)}, this dropgan knows ${known}: upgrade dropgan`,
  );
}

function checkOutput({ data, export: { output } }) {
  if (output === "vectors" || data.kind === "vectors") {
    throw new ModelError(
      "the model makes vectors, but the JavaScript runtime is for images and graphs: use dropgan in Python",
    );
  }
  if (data.kind === "graphs" && output === "graphs") {
    if (data.shape.length !== 2 || data.shape[0] !== data.shape[1]) {
      throw new ModelError("the model's card has graphs that are not square matrices");
    }
    return;
  }
  if (data.kind !== "images" || !["pixels", "float"].includes(output)) {
    throw new ModelError(`the model's card has ${show(data.kind)} with output ${show(output)}: upgrade dropgan`);
  }
  if (data.shape.length !== 3) throw new ModelError("the model's card has images without height, width and channels");
}

/** Whether a value is as a test, or an object of tests by key, wants it. */
function fits(value, kind) {
  if (typeof kind === "function") return kind(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(kind).every(([key, inner]) => fits(Object.hasOwn(value, key) ? value[key] : undefined, inner));
}

/** Freeze all of it, level by level: one that nests without end would overflow what calls itself. */
function deepFreeze(card) {
  let level = [card];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === MAX_DEPTH) throw new ModelError(`the model's card is nested more than ${MAX_DEPTH} deep`);
    level = level.flatMap((value) => Object.values(Object.freeze(value)).filter(isContainer));
  }
  return card;
}

function isContainer(value) {
  return typeof value === "object" && value !== null;
}

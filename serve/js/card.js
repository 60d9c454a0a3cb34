// The card: what a dropgan model file says of itself, as JSON in the file's metadata. onnxruntime
// for JavaScript does not give metadata away, so the file's outermost level is walked here; weights
// are skipped, not parsed. (ONNX files are protobuf messages: onnx.proto, message ModelProto.)

import { ModelError } from "./errors.js";
import { LABEL_STREAM_NAME } from "./labels.js";
import { STREAM_NAME } from "./latents.js";

const METADATA_KEY = "dropgan";
const SCHEMA_MAJOR = "1";
const METADATA_FIELD = 14; // ModelProto.metadata_props, of StringStringEntryProto {key = 1, value = 2}

/** Read and check the card in the bytes of a model file. */
export function readCard(bytes) {
  const text = metadata(bytes).get(METADATA_KEY);
  if (text === undefined) {
    throw new ModelError("the model has no dropgan card: it was not made by dropgan export");
  }
  let card;
  try {
    card = JSON.parse(text);
  } catch (error) {
    throw new ModelError(`the model's card is not valid JSON (${error.message})`);
  }
  checkCard(card);
  return deepFreeze(card);
}

function checkCard(card) {
  if (typeof card?.schema !== "string") {
    throw new ModelError("the model's card is not an object with a schema version");
  }
  if (card.schema.split(".")[0] !== SCHEMA_MAJOR) {
    throw new ModelError(
      `the model's card has schema version ${card.schema}, this dropgan reads ${SCHEMA_MAJOR}: upgrade dropgan`,
    );
  }
  const { shape } = card.data ?? {};
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every(isCount)) {
    throw new ModelError("the model's card has no sample shape");
  }
  if (!isCount(card.latents?.dim)) throw new ModelError("the model's card has no latent dimension");
  if (card.latents.stream !== STREAM_NAME) {
    throw new ModelError(
      `the model uses the latent stream ${card.latents.stream}, this dropgan knows ${STREAM_NAME}: upgrade dropgan`,
    );
  }
  const { classes = 0, stream = "" } = card.labels ?? {};
  if (classes !== 0 && !isCount(classes)) throw new ModelError("the model's card has an impossible number of classes");
  const { numbers = [], counts = [] } = card.labels ?? {};
  const ofEach = (list) => Array.isArray(list) && [0, classes].includes(list.length) && list.every(isNatural);
  if (!ofEach(numbers) || !ofEach(counts) || new Set(numbers).size < numbers.length) {
    throw new ModelError("the model's card has numbers or counts of classes that are not one for each");
  }
  if (classes !== 0 && stream !== LABEL_STREAM_NAME) {
    throw new ModelError(
      `the model uses the label stream ${stream}, this dropgan knows ${LABEL_STREAM_NAME}: upgrade dropgan`,
    );
  }
  if (card.export?.output === "vectors") {
    throw new ModelError("the model makes vectors, the JavaScript runtime is for images: use dropgan in Python");
  }
  if (!["pixels", "float"].includes(card.export?.output)) {
    throw new ModelError("the model's card says neither pixels nor float output");
  }
}

function isCount(value) {
  return Number.isInteger(value) && value > 0;
}

function isNatural(value) {
  return Number.isInteger(value) && value >= 0;
}

function metadata(bytes) {
  const found = new Map();
  for (const [field, value] of fields(bytes)) {
    if (field !== METADATA_FIELD || typeof value === "number") continue;
    const entry = new Map(fields(value));
    found.set(text(entry.get(1)), text(entry.get(2)));
  }
  return found;
}

function text(bytes) {
  return bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : "";
}

/** The fields of a protobuf message: number and, where it has a length, content. */
function* fields(bytes) {
  let place = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (place >= bytes.length || factor > 2 ** 63) throw damaged();
      const byte = bytes[place++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (place < bytes.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === 0) {
      yield [field, varint()];
    } else {
      const length = type === 2 ? varint() : { 1: 8, 5: 4 }[type];
      if (length === undefined || field === 0 || place + length > bytes.length) throw damaged();
      yield [field, bytes.subarray(place, place + length)];
      place += length;
    }
  }
}

function damaged() {
  return new ModelError("not an ONNX file, or one that is cut off");
}

function deepFreeze(value) {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}

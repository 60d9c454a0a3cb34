// Protocol buffers as bytes: read by a table of fields, strictly, bounded in time and memory.
//
// A field that the table does not name is refused, and so is a second value where one is meant: what
// this reader left unread, onnxruntime's could see differently. Long fields stay views of the file.
// The encoding is protobuf.dev/programming-guides/encoding.

import { ModelError } from "../errors.js";

// Kinds of field; a message's kind is its table. A BLOB is left as a view of the file.
export const [INTEGER, FLOAT, TEXT, BLOB] = ["integer", "float", "text", "blob"];

const MAX_VALUES = 250_000; // fields and packed numbers of one file, a message counting eight
const MAX_TEXT = 2 ** 20;
const MESSAGE_COST = 8;

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

/** Reads the messages of one file; counts what it reads against a limit for all of them. */
export class Reader {
  #left = MAX_VALUES;

  /** One message as an object by field name; a repeated field is an array, absent or not. */
  message(data, table) {
    this.#count(MESSAGE_COST);
    const found = {};
    for (const [name, , repeats] of Object.values(table)) if (repeats) found[name] = [];
    for (const { number, type, value } of this.#fields(data)) {
      const entry = table[number];
      if (entry === undefined) {
        throw new ModelError(`it has a field (number ${number}) that this dropgan does not know`);
      }
      const [name, kind, repeats] = entry;
      if (repeats && type === LENGTH && (kind === INTEGER || kind === FLOAT)) {
        for (const one of this.packed(value, kind)) found[name].push(one);
        continue;
      }
      if (type !== wireType(kind)) throw new ModelError(`its field ${name} has the wrong type`);
      const content = this.#content(value, name, kind);
      if (repeats) found[name].push(content);
      else if (name in found) throw new ModelError(`its field ${name} occurs twice`);
      else found[name] = content;
    }
    return found;
  }

  /** The numbers of a packed field: INTEGER (signed varints) or FLOAT. */
  packed(data, kind) {
    const values = [];
    if (kind === FLOAT) {
      if (data.length % 4 !== 0) throw new ModelError("it is cut short");
      this.#count(data.length / 4);
      for (let place = 0; place < data.length; place += 4) values.push(float32(data.subarray(place, place + 4)));
      return values;
    }
    for (let place = 0; place < data.length; ) {
      this.#count(1);
      const number = readVarint(data, place);
      values.push(signed(number));
      place = number.end;
    }
    return values;
  }

  #content(value, name, kind) {
    if (typeof kind === "object") return this.message(value, kind);
    if (kind === TEXT) return readText(value, name);
    return kind === FLOAT ? float32(value) : value;
  }

  *#fields(data) {
    for (let place = 0; place < data.length; ) {
      this.#count(1);
      const field = readField(data, place);
      yield field;
      place = field.end;
    }
  }

  #count(values) {
    this.#left -= values;
    if (this.#left < 0) throw new ModelError(`it has more than ${MAX_VALUES} fields`);
  }
}

/** The field that begins at `place`: its number, wire type, value (a view where it has a length) and end. */
export function readField(data, place) {
  const tag = readVarint(data, place);
  const [number, type] = [tag.low >>> 3, tag.low & 7];
  if (type === VARINT) {
    const value = readVarint(data, tag.end);
    return { number, type, value: signed(value), end: value.end };
  }
  let [begin, size] = [tag.end, { [FIXED64]: 8, [FIXED32]: 4 }[type]];
  if (type === LENGTH) {
    const length = readVarint(data, tag.end);
    [begin, size] = [length.end, length.high * 2 ** 32 + length.low];
  }
  if (size === undefined) throw new ModelError("it is damaged: no protocol buffer has such a field");
  if (size > data.length - begin) throw new ModelError("it is cut short");
  return { number, type, value: data.subarray(begin, begin + size), end: begin + size };
}

/** Bytes as text. */
export function readText(bytes, name) {
  if (bytes.length > MAX_TEXT) throw new ModelError(`its field ${name} is ${bytes.length} bytes long`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ModelError(`its field ${name} is not text`);
  }
}

/** The 64-bit number that begins at `place`, as two halves, and where the next field begins. */
function readVarint(data, place) {
  let [low, high] = [0, 0];
  for (let shift = 0; shift < 70 && place < data.length; shift += 7) {
    const byte = data[place++];
    if (shift < 32) low |= (byte & 127) << shift;
    if (shift === 28) high |= (byte & 127) >>> 4;
    if (shift > 32) high |= (byte & 127) << (shift - 32);
    if (byte < 128) return { low: low >>> 0, high: high >>> 0, end: place };
  }
  throw new ModelError("it is cut short or damaged");
}

/** As ONNX means its integers; beyond 2**53 rounded, which no size or place comes near to. */
function signed({ low, high }) {
  return (high | 0) * 2 ** 32 + low;
}

function wireType(kind) {
  return { [INTEGER]: VARINT, [FLOAT]: FIXED32 }[kind] ?? LENGTH;
}

function float32(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

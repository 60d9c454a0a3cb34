// What stands in an ONNX file, read without running anything; screen.js says whether it is taken.

import { show } from "../arguments.js";
import { ModelError } from "../errors.js";
import { MODEL } from "./tables.js";
import { INTEGER, Reader, readField } from "./wire.js";

const MAX_BYTES = 512 * 2 ** 20; // 128 million float32 weights
const MAX_TYPED = 100_000; // bytes of a typed field that are decoded
const METADATA_FIELD = 14;
const EXTERNAL = 1;

// ONNX's element types that generators use, by number: bytes of one and how to read it
const TYPES = {
  1: [4, (view, at) => view.getFloat32(at, true)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [1, (view, at) => view.getInt8(at)],
  4: [2, (view, at) => view.getUint16(at, true)],
  5: [2, (view, at) => view.getInt16(at, true)],
  6: [4, (view, at) => view.getInt32(at, true)],
  7: [8, (view, at) => Number(view.getBigInt64(at, true))],
  9: [1, (view, at) => view.getUint8(at)],
  10: [2, () => NaN], // half floats are weights, never sizes or places
  11: [8, (view, at) => view.getFloat64(at, true)],
  12: [4, (view, at) => view.getUint32(at, true)],
  13: [8, (view, at) => Number(view.getBigUint64(at, true))],
};

/** Whether values of this ONNX element type can be inputs, outputs or weights. */
export function isKnownType(kind) {
  return kind in TYPES;
}

/** The structure of an ONNX model; weights stay where they are. */
export function readOnnx(bytes) {
  try {
    return readModel(bytes);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelError(`not a readable ONNX file: ${error.message}`);
  }
}

function readModel(bytes) {
  if (bytes.length === 0) throw new ModelError("it is empty");
  if (bytes.length > MAX_BYTES) {
    throw new ModelError(`it has ${bytes.length} bytes; dropgan reads models of at most ${MAX_BYTES}`);
  }
  const raw = new Reader().message(bytes, MODEL);
  if (!raw.graph?.output.length) throw new ModelError("it has no graph with an output");
  return {
    size: bytes.length,
    irVersion: raw.ir_version ?? 0,
    opsets: uniqueMap(raw.opset_import, (entry) => [domainOf(entry), entry.version ?? 0], "operator domain"),
    metadata: uniqueMap(raw.metadata_props, ({ key = "", value = "" }) => [key, value], "metadata key"),
    extras: raw.functions.length + raw.training_info.length + raw.graph.sparse_initializer.length > 0,
    nodes: raw.graph.node.map(readNode),
    tensors: raw.graph.initializer.map(readTensor),
    inputs: raw.graph.input.map(readValue),
    outputs: raw.graph.output.map(readValue),
  };
}

/** The parts of a model file that are not its metadata entry `key`. */
export function withoutMetadata(bytes, key) {
  const parts = [];
  let kept = 0;
  for (let place = 0; place < bytes.length; ) {
    const { number, value, end } = readField(bytes, place);
    if (number === METADATA_FIELD && new Reader().message(value, MODEL[METADATA_FIELD][1]).key === key) {
      parts.push(bytes.subarray(kept, place));
      kept = end;
    }
    place = end;
  }
  return [...parts, bytes.subarray(kept)];
}

/** The numbers of a small tensor, row by row; a tensor of any size is checked to hold what it says. */
export function readNumbers(tensor, most) {
  const { name, kind, dims, raw, typed } = tensor;
  if (tensor.external) throw new ModelError(`its weight ${show(name)} is stored outside the file`);
  if (!isKnownType(kind) || dims.some((size) => size < 0)) {
    throw new ModelError(`its weight ${show(name)} has an unknown type or shape`);
  }
  const count = dims.reduce((product, size) => product * size, 1);
  const numbers = raw === undefined ? readTyped(typed, name) : readRaw(raw, kind, name, count <= most);
  if (numbers.length !== count) {
    throw new ModelError(`its weight ${show(name)} holds ${numbers.length} numbers, its shape ${count}`);
  }
  return count <= most ? [...numbers] : undefined;
}

function readRaw(raw, kind, name, wanted) {
  const [size, read] = TYPES[kind];
  if (raw.length % size !== 0) throw new ModelError(`its weight ${show(name)} is cut short`);
  const length = raw.length / size;
  if (!wanted) return { length };
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  return Array.from({ length }, (_, place) => read(view, place * size));
}

/** Numbers from the typed fields of other tools, where the raw bytes are absent. */
function readTyped(typed, name) {
  if (typed.length === 0) return [];
  const [[field, parts]] = typed;
  const unusual = () => new ModelError(`its weight ${show(name)} is stored in an unusual way`);
  if (typed.length > 1 || parts.length !== 1 || field === "string_data") throw unusual();
  if (field === "float_data") return readRaw(parts[0], 1, name, parts[0].length <= MAX_TYPED);
  if (field === "double_data") return readRaw(parts[0], 11, name, parts[0].length <= MAX_TYPED);
  if (parts[0].length > MAX_TYPED) throw unusual();
  return new Reader().packed(parts[0], INTEGER);
}

function readNode(raw) {
  return {
    op: raw.op_type ?? "",
    domain: domainOf(raw),
    name: raw.name ?? "",
    inputs: raw.input,
    outputs: raw.output,
    graphs: raw.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0),
    attributes: uniqueMap(raw.attribute, (entry) => [entry.name ?? "", readAttribute(entry)], "attribute"),
  };
}

/** The value; which field holds it is told by the type, or by what there is in old files. */
function readAttribute(raw) {
  if (raw.t !== undefined) return readTensor(raw.t);
  if (raw.tensors.length > 0) return raw.tensors.map(readTensor);
  const { f = 0, i = 0, s = new Uint8Array(0), floats, ints, strings } = raw;
  const values = { 1: f, 2: i, 3: s, 6: floats, 7: ints, 8: strings };
  const there = (value) => (typeof value === "number" ? value !== 0 : value.length > 0);
  return values[raw.type ?? 0] ?? Object.values(values).find(there) ?? 0;
}

function readTensor(raw) {
  const fields = ["float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data"];
  return {
    name: raw.name ?? "",
    kind: raw.data_type ?? 0,
    dims: raw.dims,
    raw: raw.raw_data,
    typed: fields.filter((field) => raw[field].length > 0).map((field) => [field, raw[field]]),
    external: raw.data_location === EXTERNAL || raw.external_data.length > 0,
  };
}

/** An input or output as the graph declares it: an open size is undefined, no shape at all too. */
function readValue(raw) {
  const { tensor_type: tensor, denotation, ...others } = raw.type ?? {};
  const plain = tensor !== undefined && Object.keys(others).length === 0;
  return {
    name: raw.name ?? "",
    kind: plain ? tensor.elem_type : undefined,
    shape: plain ? tensor.shape?.dim.map((size) => size.dim_value) : undefined,
    batch: plain ? tensor.shape?.dim[0]?.dim_param : undefined,
  };
}

function domainOf({ domain = "" }) {
  return domain === "ai.onnx" ? "" : domain;
}

function uniqueMap(entries, pair, what) {
  const found = new Map();
  for (const [key, value] of entries.map(pair)) {
    if (found.has(key)) throw new ModelError(`its ${what} ${show(key)} occurs twice`);
    found.set(key, value);
  }
  return found;
}

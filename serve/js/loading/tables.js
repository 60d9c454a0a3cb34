// The messages of onnx.proto (IR version 13) as tables for wire.js: field number to name, kind and
// whether it repeats. The same as serve/loading/tables.py, which a test compares, but for graphs in
// attributes and functions: those are refused unread.

import { BLOB, FLOAT, INTEGER, TEXT } from "./wire.js";

const one = (name, kind) => [name, kind, false];
const many = (name, kind) => [name, kind, true];

const PROPERTY = { 1: one("key", TEXT), 2: one("value", TEXT) };
const OPSET = { 1: one("domain", TEXT), 2: one("version", INTEGER) };
const TENSOR = {
  1: many("dims", INTEGER),
  2: one("data_type", INTEGER),
  3: one("segment", BLOB),
  4: many("float_data", BLOB),
  5: many("int32_data", BLOB),
  6: many("string_data", BLOB),
  7: many("int64_data", BLOB),
  8: one("name", TEXT),
  9: one("raw_data", BLOB),
  10: many("double_data", BLOB),
  11: many("uint64_data", BLOB),
  12: one("doc_string", TEXT),
  13: many("external_data", PROPERTY),
  14: one("data_location", INTEGER),
  16: many("metadata_props", PROPERTY),
};
const DIMENSION = { 1: one("dim_value", INTEGER), 2: one("dim_param", TEXT), 3: one("denotation", TEXT) };
const TENSOR_TYPE = { 1: one("elem_type", INTEGER), 2: one("shape", { 1: many("dim", DIMENSION) }) };
const TYPE = {
  1: one("tensor_type", TENSOR_TYPE),
  4: one("sequence_type", BLOB),
  5: one("map_type", BLOB),
  6: one("denotation", TEXT),
  7: one("opaque_type", BLOB),
  8: one("sparse_tensor_type", BLOB),
  9: one("optional_type", BLOB),
};
const VALUE = {
  1: one("name", TEXT),
  2: one("type", TYPE),
  3: one("doc_string", TEXT),
  4: many("metadata_props", PROPERTY),
};
const ATTRIBUTE = {
  1: one("name", TEXT),
  2: one("f", FLOAT),
  3: one("i", INTEGER),
  4: one("s", BLOB),
  5: one("t", TENSOR),
  6: one("g", BLOB),
  7: many("floats", FLOAT),
  8: many("ints", INTEGER),
  9: many("strings", BLOB),
  10: many("tensors", TENSOR),
  11: many("graphs", BLOB),
  13: one("doc_string", TEXT),
  14: one("tp", BLOB),
  15: many("type_protos", BLOB),
  20: one("type", INTEGER),
  21: one("ref_attr_name", TEXT),
  22: one("sparse_tensor", BLOB),
  23: many("sparse_tensors", BLOB),
};
const NODE = {
  1: many("input", TEXT),
  2: many("output", TEXT),
  3: one("name", TEXT),
  4: one("op_type", TEXT),
  5: many("attribute", ATTRIBUTE),
  6: one("doc_string", TEXT),
  7: one("domain", TEXT),
  8: one("overload", TEXT),
  9: many("metadata_props", PROPERTY),
  10: many("device_configurations", BLOB),
};
const GRAPH = {
  1: many("node", NODE),
  2: one("name", TEXT),
  5: many("initializer", TENSOR),
  10: one("doc_string", TEXT),
  11: many("input", VALUE),
  12: many("output", VALUE),
  13: many("value_info", VALUE),
  14: many("quantization_annotation", BLOB),
  15: many("sparse_initializer", BLOB),
  16: many("metadata_props", PROPERTY),
};
export const MODEL = {
  1: one("ir_version", INTEGER),
  2: one("producer_name", TEXT),
  3: one("producer_version", TEXT),
  4: one("domain", TEXT),
  5: one("model_version", INTEGER),
  6: one("doc_string", TEXT),
  7: one("graph", GRAPH),
  8: many("opset_import", OPSET),
  14: many("metadata_props", PROPERTY),
  20: many("training_info", BLOB),
  25: many("functions", BLOB),
  26: many("configuration", BLOB),
};

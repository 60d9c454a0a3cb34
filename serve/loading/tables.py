"""The messages of onnx.proto (IR version 13) as tables for `serve.loading.wire`.

The numbers of a tensor's typed fields are packed varints or floats. They stay views of the file until they
are read.
"""

from .wire import BLOB, FLOAT, INTEGER, TEXT, Table

_PROPERTY: Table = {1: ("key", TEXT, False), 2: ("value", TEXT, False)}
_OPSET: Table = {1: ("domain", TEXT, False), 2: ("version", INTEGER, False)}
_TENSOR: Table = {
    1: ("dims", INTEGER, True),
    2: ("data_type", INTEGER, False),
    3: ("segment", BLOB, False),
    4: ("float_data", BLOB, True),
    5: ("int32_data", BLOB, True),
    6: ("string_data", BLOB, True),
    7: ("int64_data", BLOB, True),
    8: ("name", TEXT, False),
    9: ("raw_data", BLOB, False),
    10: ("double_data", BLOB, True),
    11: ("uint64_data", BLOB, True),
    12: ("doc_string", TEXT, False),
    13: ("external_data", _PROPERTY, True),
    14: ("data_location", INTEGER, False),
    16: ("metadata_props", _PROPERTY, True),
}
_DIMENSION: Table = {
    1: ("dim_value", INTEGER, False),
    2: ("dim_param", TEXT, False),
    3: ("denotation", TEXT, False),
}
_TENSOR_TYPE: Table = {
    1: ("elem_type", INTEGER, False),
    2: ("shape", {1: ("dim", _DIMENSION, True)}, False),
}
_TYPE: Table = {
    1: ("tensor_type", _TENSOR_TYPE, False),
    4: ("sequence_type", BLOB, False),
    5: ("map_type", BLOB, False),
    6: ("denotation", TEXT, False),
    7: ("opaque_type", BLOB, False),
    8: ("sparse_tensor_type", BLOB, False),
    9: ("optional_type", BLOB, False),
}
_VALUE: Table = {
    1: ("name", TEXT, False),
    2: ("type", _TYPE, False),
    3: ("doc_string", TEXT, False),
    4: ("metadata_props", _PROPERTY, True),
}
_ATTRIBUTE: Table = {
    1: ("name", TEXT, False),
    2: ("f", FLOAT, False),
    3: ("i", INTEGER, False),
    4: ("s", BLOB, False),
    5: ("t", _TENSOR, False),
    7: ("floats", FLOAT, True),
    8: ("ints", INTEGER, True),
    9: ("strings", BLOB, True),
    10: ("tensors", _TENSOR, True),
    13: ("doc_string", TEXT, False),
    14: ("tp", BLOB, False),
    15: ("type_protos", BLOB, True),
    20: ("type", INTEGER, False),
    21: ("ref_attr_name", TEXT, False),
    22: ("sparse_tensor", BLOB, False),
    23: ("sparse_tensors", BLOB, True),
}
_NODE: Table = {
    1: ("input", TEXT, True),
    2: ("output", TEXT, True),
    3: ("name", TEXT, False),
    4: ("op_type", TEXT, False),
    5: ("attribute", _ATTRIBUTE, True),
    6: ("doc_string", TEXT, False),
    7: ("domain", TEXT, False),
    8: ("overload", TEXT, False),
    9: ("metadata_props", _PROPERTY, True),
    10: ("device_configurations", BLOB, True),
}
_GRAPH: Table = {
    1: ("node", _NODE, True),
    2: ("name", TEXT, False),
    5: ("initializer", _TENSOR, True),
    10: ("doc_string", TEXT, False),
    11: ("input", _VALUE, True),
    12: ("output", _VALUE, True),
    13: ("value_info", _VALUE, True),
    14: ("quantization_annotation", BLOB, True),
    15: ("sparse_initializer", BLOB, True),
    16: ("metadata_props", _PROPERTY, True),
}
_ATTRIBUTE[6] = ("g", _GRAPH, False)
_ATTRIBUTE[11] = ("graphs", _GRAPH, True)
_FUNCTION: Table = {
    1: ("name", TEXT, False),
    4: ("input", TEXT, True),
    5: ("output", TEXT, True),
    6: ("attribute", TEXT, True),
    7: ("node", _NODE, True),
    8: ("doc_string", TEXT, False),
    9: ("opset_import", _OPSET, True),
    10: ("domain", TEXT, False),
    11: ("attribute_proto", _ATTRIBUTE, True),
    12: ("value_info", _VALUE, True),
    13: ("overload", TEXT, False),
    14: ("metadata_props", _PROPERTY, True),
}
MODEL: Table = {
    1: ("ir_version", INTEGER, False),
    2: ("producer_name", TEXT, False),
    3: ("producer_version", TEXT, False),
    4: ("domain", TEXT, False),
    5: ("model_version", INTEGER, False),
    6: ("doc_string", TEXT, False),
    7: ("graph", _GRAPH, False),
    8: ("opset_import", _OPSET, True),
    14: ("metadata_props", _PROPERTY, True),
    20: ("training_info", BLOB, True),
    25: ("functions", _FUNCTION, True),
    26: ("configuration", BLOB, True),
}

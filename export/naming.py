"""Give the file's nodes clear names, so that a viewer such as Netron shows a clear picture.

Nodes are named after the network's modules, and weights as in a checkpoint. Nothing in the file tells where
and by whom it was made: no stack traces, no paths, no names of the exporter.
"""

import ast
from collections.abc import MutableSequence

import onnx

from .ending import Ending

_ROLES = {
    "Reshape": {1: "shape"},
    "Resize": {2: "scales", 3: "sizes"},
    "Expand": {1: "shape"},
    "Slice": {1: "starts", 2: "ends", 3: "axes", 4: "steps"},
    "Squeeze": {1: "axes"},
    "Unsqueeze": {1: "axes"},
}
_PARAMETERS = {"Conv": {1: "weight", 2: "bias"}}  # where the exporter has folded a change of them
_SCOPES = "pkg.torch.onnx.name_scopes"


def rename(model: onnx.ModelProto, *, prefix: str) -> None:
    """Name nodes, values and constants after their modules, and remove all other names.

    Args:
        model: The exporter's model; it is modified.
        prefix: Common prefix of all modules' names, which is removed.
    """
    graph = model.graph
    kept = {value.name for value in [*graph.input, *graph.output]}
    new: dict[str, str] = {}
    taken: set[str] = set(kept)
    weights = {tensor.name for tensor in graph.initializer}
    for tensor in graph.initializer:
        if "." in tensor.name:
            # the exporter calls the bias of a batch norm that it folded into a layer weight_bias
            name = tensor.name.removeprefix(prefix).replace(".weight_bias", ".bias")
            new[tensor.name] = _unused(name, taken)
    for node in graph.node:
        node.name = _unused(_title(node, prefix), taken)
        for name in node.output:
            if name and name not in kept:
                new[name] = node.name if len(node.output) == 1 else _unused(f"{node.name}.out", taken)
        for place, name in enumerate(node.input):
            if name in weights and name not in new:
                parameter = _PARAMETERS.get(node.op_type, {}).get(place)
                role = _ROLES.get(node.op_type, {}).get(place, "constant")
                owner = node.name.rpartition(".")[0] if parameter else node.name
                new[name] = _unused(f"{owner}.{parameter or role}", taken)
    for node in graph.node:
        _replace(node.input, new)
        _replace(node.output, new)
        node.doc_string = ""
        del node.metadata_props[:]
    for tensor in graph.initializer:
        tensor.name = new.get(tensor.name, tensor.name)
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    for value in [*graph.input, *graph.output]:
        value.doc_string = ""
        del value.metadata_props[:]
    del model.metadata_props[:], graph.value_info[:], graph.metadata_props[:]


def describe(model: onnx.ModelProto, about: str, ending: Ending, classes: int = 0) -> None:
    """Describe the model, its inputs and its output inside the file."""
    model.producer_name, model.producer_version, model.domain = "dropgan", "", ""
    model.graph.name = "generator"
    model.graph.doc_string = ""
    model.doc_string = " ".join(
        part
        for part in (
            about,
            f"{'Latents and labels' if classes else 'Latents'} in, {ending.value} out; no dropout and no"
            " other training-time operation is in this file."
            " What it was trained on and how it was verified stands in the metadata key dropgan.",
        )
        if part
    )
    latents, made = model.graph.input[0], model.graph.output[0]
    latents.doc_string = "standard normal numbers, one row a sample"
    if classes:
        model.graph.input[1].doc_string = f"class of each sample, 0 to {classes - 1}; not checked in here"
    made.doc_string = ending.meaning


def _title(node: onnx.NodeProto, prefix: str) -> str:
    """Return ``body.0.gemm`` for the Gemm of module ``body.0``, or the operator alone outside all modules."""
    text = next((entry.value for entry in node.metadata_props if entry.key == _SCOPES), "[]")
    scopes = [str(scope) for scope in ast.literal_eval(text)]
    path = scopes[-2] if len(scopes) > 1 else ""
    if len(node.input) > 1 and node.input[1].endswith(".weight"):
        path = node.input[1].removesuffix(".weight")  # also right where a batch norm was folded in
    path = path.removeprefix(prefix.rstrip(".")).removeprefix(".")
    name = node.op_type.lower()
    if node.op_type == "Cast":
        kind = next(entry.i for entry in node.attribute if entry.name == "to")
        name = f"to_{onnx.helper.tensor_dtype_to_np_dtype(kind)}"
    return f"{path}.{name}".lstrip(".")


def _unused(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate


def _replace(names: MutableSequence[str], new: dict[str, str]) -> None:
    names[:] = [new.get(name, name) for name in names]

// Will the runtime take this file? Decided from its bytes, before onnxruntime sees them.
//
// onnxruntime trusts a file: a few hundred bytes can make it use all memory, draw random numbers or
// load other operators. A dropgan file needs none of what makes that possible, so everything else is
// refused, as serve/loading/screen.py does in Python.

import { show } from "../arguments.js";
import { CARD_KEY, parseCard } from "../card.js";
import { ModelError } from "../errors.js";
import { sha256 } from "../sha256.js";
import { isKnownType, readNumbers, readOnnx, withoutMetadata } from "./file.js";
import { RULES } from "./rules.js";
import { trace, withBatch } from "./shapes.js";

const [FIRST_IR, LAST_IR] = [3, 13];
const [FIRST_OPSET, LAST_OPSET] = [13, 28];
const MAX_NODES = 5000;
const MAX_RANK = 8;
const [FLOAT32, UINT8, INT64] = [1, 2, 7];

/** A file that the runtime will take: its card, and the names and shape of what goes in and out. */
export function screen(bytes) {
  try {
    const file = readOnnx(bytes);
    const card = parseCard(file.metadata);
    checkDigest(bytes, card);
    requirePlain(file);
    return { card, ...match(file, card) };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelError(`the model cannot be loaded: ${error.message}`);
  }
}

function checkDigest(bytes, card) {
  const { digest } = card.export.parity;
  if (digest && digest !== `sha256:${sha256(withoutMetadata(bytes, CARD_KEY))}`) {
    throw new ModelError("it has changed since its export (its digest is not its card's): export it again");
  }
}

/** Insist that a file holds only what a generator needs. */
function requirePlain(file) {
  const { irVersion, opsets, nodes } = file;
  if (irVersion < FIRST_IR || irVersion > LAST_IR) {
    throw new ModelError(`its IR version is ${irVersion}, this dropgan reads ${FIRST_IR} to ${LAST_IR}`);
  }
  const others = [...opsets.keys()].filter((domain) => domain !== "");
  if (others.length > 0) throw new ModelError(`it uses operators of another domain (${show(others.join(", "))})`);
  const opset = opsets.get("") ?? 0;
  if (opset < FIRST_OPSET || opset > LAST_OPSET) {
    throw new ModelError(`its operator set is ${opset}, this dropgan reads ${FIRST_OPSET} to ${LAST_OPSET}`);
  }
  if (file.extras) {
    throw new ModelError("it has functions, training information or sparse weights, which no generator needs");
  }
  if (nodes.length > MAX_NODES) throw new ModelError(`it has ${nodes.length} nodes, more than ${MAX_NODES}`);
  nodes.forEach(requireKnown);
  for (const tensor of weights(file)) readNumbers(tensor, 0);
  [...file.inputs, ...file.outputs].forEach(requireDeclared);
  const values = trace(file);
  for (const output of file.outputs) {
    if (String(values.get(output.name)?.shape) !== String(withBatch(output))) {
      throw new ModelError(`its output ${show(output.name)} does not have the shape that it declares`);
    }
  }
}

function requireKnown({ op, domain, name, graphs }) {
  if (domain !== "" || !RULES.has(op)) {
    const title = domain === "" ? op : `${domain}.${op}`;
    throw new ModelError(`it holds the operator ${show(title)}, which no generator of dropgan's needs`);
  }
  if (graphs) throw new ModelError(`its node ${show(`${op} ${name}`)} holds a graph of its own`);
}

function* weights({ tensors, nodes }) {
  yield* tensors;
  for (const { attributes } of nodes) {
    for (const value of [...attributes.values()].flat()) if (value.dims !== undefined) yield value;
  }
}

function requireDeclared({ name, kind, shape }) {
  if (!isKnownType(kind) || shape === undefined || shape.length < 1 || shape.length > MAX_RANK) {
    throw new ModelError(`its input or output ${show(name)} has no type or shape`);
  }
  if (shape[0] !== undefined || !shape.slice(1).every((size) => size >= 1)) {
    throw new ModelError(`its input or output ${show(name)} must have an open batch and fixed sizes`);
  }
}

/** Hold the card against the graph's inputs and outputs. */
function match({ inputs, outputs }, card) {
  const classes = card.labels?.classes ?? 0;
  const [latents, labels] = inputs;
  if (inputs.length !== (classes > 0 ? 2 : 1) || outputs.length !== 1) {
    throw new ModelError("it must have one output and one input, or two inputs if its card has classes");
  }
  if (latents.kind !== FLOAT32 || String(latents.shape.slice(1)) !== String(card.latents.dim)) {
    throw new ModelError("its input does not match its card's latents");
  }
  if (labels && (labels.kind !== INT64 || labels.shape.length !== 1 || labels.batch !== latents.batch)) {
    throw new ModelError("its second input does not match its card's labels");
  }
  const [output] = outputs;
  const { kind, shape, planes } = outputOf(card);
  if (output.kind !== (kind === "uint8" ? UINT8 : FLOAT32) || String(output.shape.slice(1)) !== String(shape)) {
    throw new ModelError("its output does not match its card's data");
  }
  return { input: latents.name, labels: labels?.name, output: output.name, kind, shape, planes };
}

/** By its card the type and shape of one sample as the file gives it, and whether it gives pixels as planes. */
function outputOf(card) {
  if (card.data.kind === "graphs") return { kind: "uint8", shape: [...card.data.shape], planes: false };
  const [height, width, channels] = card.data.shape;
  const float = card.export.output === "float";
  const layout = card.export.layout || (float ? "nchw" : "nhwc");
  const shapes = { nhwc: [height, width, channels], nchw: [channels, height, width], "rgb-nchw": [3, height, width] };
  if (!Object.hasOwn(shapes, layout) || (layout === "rgb-nchw" && channels !== 1 && channels !== 3)) {
    throw new ModelError(`the model's card has an unknown layout ${show(layout)}: upgrade dropgan`);
  }
  return { kind: float ? "float32" : "uint8", shape: shapes[layout], planes: !float && layout !== "nhwc" };
}

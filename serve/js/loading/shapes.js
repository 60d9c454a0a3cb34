// Shapes, and the work they mean, through a whole graph without running it. The bounds are those of
// serve/loading/shapes.py.

import { show } from "../arguments.js";
import { ModelError } from "../errors.js";
import { readNumbers } from "./file.js";
import { RULES, broadcast, einsumSizes } from "./rules.js";
import { axisOf, integer, integers, need, product, shapeOf } from "./values.js";

const PROBE = 1021; // the batch that shapes are worked out for: a prime, so that no fixed size passes for it
const MAX_ELEMENTS = 2 ** 22; // of any one value, a sample: 128x128 pixels of 256 channels
const MAX_WORK = 2 ** 35; // multiplications a sample: seconds on one core
const SLACK = 2 ** 20; // constants computed from constants: as many elements as the file has bytes, and this
const MAX_NUMBERS = 64;
const MAX_RANK = 8;
const MAX_SIZE = 2 ** 40;

/** Work out every value of a graph, by name. */
export function trace({ nodes, tensors, inputs, size }) {
  const values = new Map();
  const define = (name, value) => {
    if (values.has(name)) throw new ModelError(`its value ${show(name)} is made twice`);
    values.set(name, value);
  };
  for (const tensor of tensors) define(tensor.name, constant(tensor));
  for (const input of inputs) {
    const shape = withBatch(input);
    if (product(shape) > MAX_ELEMENTS * PROBE) throw new ModelError(`its input ${show(input.name)} is too large`);
    define(input.name, { shape, varies: true });
  }
  let [work, folded, folding] = [0, 0, 0];
  for (const node of nodes) {
    const read = node.inputs.map((name) => {
      if (name === "" || values.has(name)) return name === "" ? undefined : values.get(name);
      throw new ModelError(`its node ${title(node)} reads ${show(name)}, which nothing before it makes`);
    });
    const made = fitting(node, () => outputs(node, read));
    node.outputs.forEach((name, place) => {
      const elements = product(made[place].shape);
      if (made[place].varies && elements > MAX_ELEMENTS * PROBE) {
        const each = Math.floor(elements / PROBE);
        throw new ModelError(`its node ${title(node)} makes ${each} numbers a sample, more than ${MAX_ELEMENTS}`);
      }
      if (name !== "") define(name, made[place]);
      const cost = fitting(node, () => workOf(node, read, made[place].shape));
      if (made[place].varies) work += cost;
      else [folded, folding] = [folded + elements, folding + cost];
    });
    if (work > MAX_WORK * PROBE) throw new ModelError("a single sample of it would take minutes to compute");
    if (Math.max(folded, folding / 64) > size + SLACK) {
      throw new ModelError("it is small but would unpack to more constants than it has bytes");
    }
  }
  return values;
}

/** An input's or output's declared shape with PROBE in place of open sizes. */
export function withBatch({ shape }) {
  return shape.map((size) => size ?? PROBE);
}

function constant(tensor) {
  const numbers = readNumbers(tensor, MAX_NUMBERS);
  return { shape: tensor.dims, varies: false, numbers };
}

function title(node) {
  return show(`${node.op} ${node.name}`.trim());
}

function fitting(node, compute) {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new ModelError(`its node ${title(node)} does not fit its inputs`);
  }
}

function outputs(node, inputs) {
  if (node.op === "Constant") {
    const tensor = node.attributes.get("value");
    need(tensor?.dims !== undefined && node.outputs.length === 1);
    return [constant(tensor)];
  }
  const shapes = RULES.get(node.op)(node, inputs);
  need(node.outputs.length <= shapes.length);
  for (const shape of shapes) {
    need(shape.length <= MAX_RANK && shape.every((size) => Number.isSafeInteger(size) && size >= 0 && size < MAX_SIZE));
  }
  const numbers = fold(node, inputs);
  const varies = numbers === undefined && inputs.some((value) => value?.varies);
  return shapes.map((shape) => ({ shape, varies, numbers }));
}

/** Multiplications of a node, roughly; an elementwise one counts one for each number it touches. */
function workOf(node, inputs, shape) {
  const weights = () => product(shapeOf(inputs, 1).slice(1));
  switch (node.op) {
    case "Gemm":
      return product(shape) * shapeOf(inputs, 0).at(integer(node, "transA", 0) ? 0 : -1);
    case "MatMul":
      return product(shape) * shapeOf(inputs, 0).at(-1);
    case "Conv":
      return product(shape) * weights();
    case "ConvTranspose":
      return product(shapeOf(inputs, 0)) * weights();
    case "AveragePool":
    case "MaxPool":
      return product(shape) * product(integers(node, "kernel_shape"));
    case "Einsum":
      return product([...einsumSizes(node, inputs).found.values()]);
    default:
      return inputs.reduce((most, value) => Math.max(most, value ? product(value.shape) : 0), product(shape));
  }
}

/** The numbers of a node that computes on shapes, where all that it reads is known. */
function fold(node, inputs) {
  if (node.op === "Shape") {
    const shape = shapeOf(inputs, 0);
    return shape.slice(integer(node, "start", 0), integer(node, "end", shape.length));
  }
  if (!FOLDED.has(node.op) || !inputs.every((value) => value?.numbers !== undefined)) return undefined;
  const numbers = FOLDED.get(node.op)(node, inputs);
  return numbers === undefined || numbers.length > MAX_NUMBERS ? undefined : numbers;
}

const kept = (node, [value]) => value.numbers;
const flat = (values) => values.every(({ shape }) => shape.length <= 1);

/** Two values joined number by number; of shapes other than lists and single numbers nothing is known. */
const joined = (join) => (node, values) => {
  if (!flat(values)) return undefined;
  const [length = 1] = broadcast(values.map(({ shape }) => shape));
  const at = ({ numbers }, place) => numbers[numbers.length > 1 ? place : 0];
  return Array.from({ length }, (_, place) => join(at(values[0], place), at(values[1], place)));
};

function gathered(node, [from, at]) {
  if (from.shape.length !== 1) return undefined;
  return at.numbers.map((place) => from.numbers[axisOf(Math.trunc(place), from.numbers.length)]);
}

const FOLDED = new Map([
  ["Identity", kept],
  ["Cast", kept],
  ["Squeeze", kept],
  ["Unsqueeze", kept],
  ["Concat", (node, values) => (flat(values) ? values.flatMap(({ numbers }) => numbers) : undefined)],
  ["Gather", gathered],
  ["Mul", joined((first, second) => first * second)],
  ["Add", joined((first, second) => first + second)],
  ["Sub", joined((first, second) => first - second)],
]);

// How each operator that a dropgan file may hold turns shapes into shapes.
//
// After the definitions in the ONNX operator reference; an operator without a rule is one that the
// runtime does not take. The same as serve/loading/rules.py, with which a test compares verdicts. A
// rule throws where inputs do not fit; JavaScript gives undefined where Python raises, so whatever is
// taken out of a shape goes through `need` or `sizes`, and shapes.js checks what a rule gives.

import {
  axisOf,
  equal,
  integer,
  integers,
  knownNumbers,
  need,
  optionalNumbers,
  product,
  shapeOf,
  sizes,
  textOf,
} from "./values.js";
import { convolution, globalPool, pool, transposedConvolution } from "./windows.js";

const same = (node, inputs) => [shapeOf(inputs, 0)];

/** The shape that arrays of these shapes have together (numpy's rule, which ONNX took). */
export function broadcast(shapes) {
  const rank = shapes.reduce((most, { length }) => Math.max(most, length), 0);
  return Array.from({ length: rank }, (_, place) => {
    const all = shapes.map((shape) => shape[shape.length - rank + place] ?? 1).filter((size) => size !== 1);
    need(all.every((size) => size === all[0]));
    return all[0] ?? 1;
  });
}

function quantise(node, inputs) {
  const [shape, scale] = [shapeOf(inputs, 0), shapeOf(inputs, 1)];
  if (scale.length > 0) {
    need(scale.length === 1 && scale[0] === shape[axisOf(integer(node, "axis", 1), shape.length)]);
  }
  if (inputs[2] !== undefined) need(equal(inputs[2].shape, scale));
  return [shape];
}

function batchNorm(node, inputs) {
  const shape = shapeOf(inputs, 0);
  need(inputs.length === 5 && shape.length > 1 && integer(node, "training_mode", 0) === 0);
  for (let place = 1; place < 5; place++) need(equal(shapeOf(inputs, place), [shape[1]]));
  return [shape];
}

function channelNorm(node, inputs) {
  need(shapeOf(inputs, 1).length === 1 && shapeOf(inputs, 2).length === 1);
  return [shapeOf(inputs, 0)];
}

function layerNorm(node, inputs) {
  const shape = shapeOf(inputs, 0);
  const inner = shape.slice(axisOf(integer(node, "axis", -1), shape.length));
  for (let place = 1; place < inputs.length; place++) need(equal(shapeOf(inputs, place), inner));
  return [shape];
}

function gemm(node, inputs) {
  const turned = (place, name) => {
    const shape = sizes(shapeOf(inputs, place), 2);
    return integer(node, name, 0) ? [shape[1], shape[0]] : shape;
  };
  const [[rows, inner], [depth, columns]] = [turned(0, "transA"), turned(1, "transB")];
  need(inner === depth);
  if (inputs.length > 2) need(equal(broadcast([shapeOf(inputs, 2), [rows, columns]]), [rows, columns]));
  return [[rows, columns]];
}

function matmul(node, inputs) {
  const [first, second] = [shapeOf(inputs, 0), shapeOf(inputs, 1)];
  need(first.length > 0 && second.length > 0);
  const left = first.length > 1 ? first : [1, ...first];
  const right = second.length > 1 ? second : [...second, 1];
  need(left.at(-1) === right.at(-2));
  const shape = broadcast([left.slice(0, -2), right.slice(0, -2)]);
  if (first.length > 1) shape.push(left.at(-2));
  if (second.length > 1) shape.push(right.at(-1));
  return [shape];
}

function reshape(node, inputs) {
  const [old, wanted] = [shapeOf(inputs, 0), knownNumbers(inputs, 1)];
  const kept = integer(node, "allowzero", 0) !== 0;
  const made = wanted.map((size, place) => (size === 0 && !kept ? sizes(old.slice(place, place + 1), 1)[0] : size));
  need(made.every((size) => size >= -1) && made.filter((size) => size === -1).length <= 1);
  const rest = product(made.filter((size) => size !== -1));
  const open = made.indexOf(-1);
  if (open >= 0) {
    need(rest > 0 && product(old) % rest === 0);
    made[open] = product(old) / rest;
  }
  need(product(made) === product(old));
  return [made];
}

function flatten(node, inputs) {
  const shape = shapeOf(inputs, 0);
  let axis = integer(node, "axis", 1);
  need(axis >= -shape.length && axis <= shape.length);
  axis = axis < 0 ? axis + shape.length : axis;
  return [[product(shape.slice(0, axis)), product(shape.slice(axis))]];
}

function transpose(node, inputs) {
  const shape = shapeOf(inputs, 0);
  const order = integers(node, "perm", [...shape.keys()].reverse());
  need(equal(order.toSorted((a, b) => a - b), [...shape.keys()]));
  return [order.map((place) => shape[place])];
}

/** Axes from the input that newer operator sets have, or the attribute of older ones. */
function axesOf(node, inputs, place) {
  return optionalNumbers(inputs, place) ?? (node.attributes.has("axes") ? integers(node, "axes") : undefined);
}

function squeeze(node, inputs) {
  const [shape, axes] = [shapeOf(inputs, 0), axesOf(node, inputs, 1)];
  const ones = [...shape.keys()].filter((place) => shape[place] === 1);
  const gone = axes?.length ? axes.map((axis) => axisOf(axis, shape.length)) : ones;
  need(gone.every((place) => shape[place] === 1));
  return [shape.filter((_, place) => !gone.includes(place))];
}

function unsqueeze(node, inputs) {
  const [shape, axes] = [[...shapeOf(inputs, 0)], axesOf(node, inputs, 1)];
  need(axes !== undefined && axes.length <= 8);
  const rank = shape.length + axes.length;
  const places = axes.map((axis) => axisOf(axis, rank)).sort((a, b) => a - b);
  need(new Set(places).size === places.length);
  for (const place of places) shape.splice(place, 0, 1);
  return [shape];
}

function concat(node, inputs) {
  const shapes = inputs.map((_, place) => shapeOf(inputs, place));
  need(shapes.length > 0);
  const axis = axisOf(integer(node, "axis", 0), shapes[0].length);
  const others = (shape) => shape.toSpliced(axis, 1);
  need(shapes.every((shape) => shape.length === shapes[0].length && equal(others(shape), others(shapes[0]))));
  return [shapes[0].with(axis, shapes.reduce((sum, shape) => sum + shape[axis], 0))];
}

function split(node, inputs) {
  const shape = shapeOf(inputs, 0);
  const axis = axisOf(integer(node, "axis", 0), shape.length);
  const parts = node.outputs.length;
  let made = optionalNumbers(inputs, 1);
  if (made === undefined) {
    const each = Math.ceil(shape[axis] / parts);
    made = Array.from({ length: parts }, (_, place) => (place < parts - 1 ? each : shape[axis] - each * (parts - 1)));
  }
  need(made.length === parts && parts > 0 && made.every((size) => size >= 0));
  need(made.reduce((sum, size) => sum + size, 0) === shape[axis]);
  return made.map((size) => shape.with(axis, size));
}

function slice(node, inputs) {
  const shape = [...shapeOf(inputs, 0)];
  const [starts, ends] = [knownNumbers(inputs, 1), knownNumbers(inputs, 2)];
  const given = (place, otherwise) => {
    const numbers = optionalNumbers(inputs, place);
    return numbers?.length ? numbers : starts.map((_, index) => otherwise(index));
  };
  const [axes, steps] = [given(3, (index) => index), given(4, () => 1)];
  need([ends, axes, steps].every(({ length }) => length === starts.length));
  starts.forEach((start, index) => {
    const [place, step] = [axisOf(axes[index], shape.length), steps[index]];
    need(step !== 0);
    const [least, most] = step > 0 ? [0, shape[place]] : [-1, shape[place] - 1];
    const inside = (at) => Math.min(Math.max(at < 0 ? at + shape[place] : at, least), most);
    shape[place] = Math.max(0, Math.ceil((inside(ends[index]) - inside(start)) / step));
  });
  return [shape];
}

function gather(node, inputs) {
  const [shape, indices] = [shapeOf(inputs, 0), shapeOf(inputs, 1)];
  return [shape.toSpliced(axisOf(integer(node, "axis", 0), shape.length), 1, ...indices)];
}

function gatherElements(node, inputs) {
  const [shape, indices] = [shapeOf(inputs, 0), shapeOf(inputs, 1)];
  const axis = axisOf(integer(node, "axis", 0), shape.length);
  need(indices.length === shape.length && indices.every((size, place) => place === axis || size <= shape[place]));
  return [indices];
}

function topK(node, inputs) {
  const [shape, count] = [shapeOf(inputs, 0), knownNumbers(inputs, 1)];
  const axis = axisOf(integer(node, "axis", -1), shape.length);
  need(count.length === 1 && count[0] >= 0 && count[0] <= shape[axis]);
  return [shape.with(axis, count[0]), shape.with(axis, count[0])];
}

function expand(node, inputs) {
  const wanted = knownNumbers(inputs, 1);
  need(wanted.every((size) => size >= 0));
  return [broadcast([shapeOf(inputs, 0), wanted])];
}

function tile(node, inputs) {
  const [shape, repeats] = [shapeOf(inputs, 0), knownNumbers(inputs, 1)];
  need(repeats.length === shape.length && repeats.every((times) => times >= 0));
  return [shape.map((size, place) => size * repeats[place])];
}

function pad(node, inputs) {
  const [shape, pads] = [shapeOf(inputs, 0), knownNumbers(inputs, 1)];
  need(pads.length === 2 * shape.length && pads.length > 0 && pads.every((size) => size >= 0) && inputs.length < 4);
  return [shape.map((size, place) => size + pads[place] + pads[place + shape.length])];
}

function shapeSize(node, inputs) {
  const shape = shapeOf(inputs, 0);
  return [[shape.slice(integer(node, "start", 0), integer(node, "end", shape.length)).length]];
}

function arg(node, inputs) {
  const shape = shapeOf(inputs, 0);
  const gone = axisOf(integer(node, "axis", 0), shape.length);
  if (!integer(node, "keepdims", 1)) return [shape.filter((_, place) => place !== gone)];
  return [shape.with(gone, 1)];
}

function reduce(node, inputs) {
  const [shape, axes] = [shapeOf(inputs, 0), axesOf(node, inputs, 1)];
  if (!axes?.length && integer(node, "noop_with_empty_axes", 0)) return [shape];
  const gone = axes?.length ? axes.map((axis) => axisOf(axis, shape.length)) : [...shape.keys()];
  if (!integer(node, "keepdims", 1)) return [shape.filter((_, place) => !gone.includes(place))];
  return [shape.map((size, place) => (gone.includes(place) ? 1 : size))];
}

function resize(node, inputs) {
  const [shape, scales] = [shapeOf(inputs, 0), inputs[2]];
  need(!node.attributes.has("axes"));
  if (scales !== undefined && !equal(scales.shape, [0])) {
    need(scales.numbers?.length === shape.length && scales.shape.length === 1);
    need(scales.numbers.every((scale) => scale > 0 && scale < 2 ** 16));
    return [shape.map((size, place) => Math.floor(size * scales.numbers[place]))];
  }
  const wanted = knownNumbers(inputs, 3);
  need(wanted.length === shape.length && wanted.length > 0 && wanted.every((size) => size >= 1));
  return [wanted];
}

function depthToSpace(node, inputs) {
  const [count, channels, height, width] = sizes(shapeOf(inputs, 0), 4);
  const block = integer(node, "blocksize", 0);
  need(block >= 1 && block < 2 ** 10 && channels % (block * block) === 0);
  return [[count, channels / (block * block), height * block, width * block]];
}

function oneHot(node, inputs) {
  const [indices, depth] = [shapeOf(inputs, 0), knownNumbers(inputs, 1)];
  need(depth.length === 1 && depth[0] >= 1 && depth[0] < 2 ** 20);
  return [indices.toSpliced(axisOf(integer(node, "axis", -1), indices.length + 1), 0, depth[0])];
}

/** The size of each letter of an equation, and the output's letters. */
export function einsumSizes(node, inputs) {
  const [left, right, ...more] = textOf(node, "equation").replaceAll(" ", "").split("->");
  const terms = left.split(",");
  need(right && more.length === 0 && terms.length === inputs.length);
  const found = new Map();
  terms.forEach((term, place) => {
    need(/^[a-z]+$/i.test(term));
    const shape = sizes(shapeOf(inputs, place), term.length);
    [...term].forEach((letter, axis) => {
      need((found.get(letter) ?? shape[axis]) === shape[axis]);
      found.set(letter, shape[axis]);
    });
  });
  return { found, right };
}

function einsum(node, inputs) {
  const { found, right } = einsumSizes(node, inputs);
  return [[...right].map((letter) => found.get(letter))];
}

const everywhere = (names, rule) => names.map((name) => [name, rule]);
const spread = (node, inputs) => [broadcast(inputs.filter((value) => value !== undefined).map(({ shape }) => shape))];

/** The operators that a dropgan file may hold, and how each turns shapes into shapes. */
export const RULES = new Map([
  ...everywhere(
    `Abs Cast Ceil Celu Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log
    LogSoftmax LpNormalization Mish Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Softmax Softplus
    Softsign Sqrt Swish Tanh ThresholdedRelu`.split(/\s+/),
    same,
  ),
  ...everywhere(
    `Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow Sub Sum
    Where Xor`.split(/\s+/),
    spread,
  ),
  ...everywhere(
    "ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split(" "),
    reduce,
  ),
  ["ArgMax", arg],
  ["AveragePool", pool],
  ["BatchNormalization", batchNorm],
  ["Concat", concat],
  ["Constant", same], // its value is read, see shapes.js
  ["Conv", convolution],
  ["ConvTranspose", transposedConvolution],
  ["DequantizeLinear", quantise],
  ["DepthToSpace", depthToSpace],
  ["Einsum", einsum],
  ["Expand", expand],
  ["Flatten", flatten],
  ["Gather", gather],
  ["GatherElements", gatherElements],
  ["Gemm", gemm],
  ["GlobalAveragePool", globalPool],
  ["GlobalMaxPool", globalPool],
  ["GroupNormalization", channelNorm],
  ["InstanceNormalization", channelNorm],
  ["LayerNormalization", layerNorm],
  ["MatMul", matmul],
  ["MaxPool", pool],
  ["OneHot", oneHot],
  ["Pad", pad],
  ["QuantizeLinear", quantise],
  ["RMSNormalization", layerNorm],
  ["Reshape", reshape],
  ["Resize", resize],
  ["Shape", shapeSize],
  ["Slice", slice],
  ["Split", split],
  ["Squeeze", squeeze],
  ["Tile", tile],
  ["TopK", topK],
  ["Transpose", transpose],
  ["Unsqueeze", unsqueeze],
]);

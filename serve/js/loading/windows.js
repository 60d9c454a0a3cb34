// The rules of operators that slide a window over an image: convolutions and pooling. See rules.js.

import { equal, integer, integers, need, shapeOf, sizes, textOf } from "./values.js";

/** Strides, dilations and the sums of begin and end padding of a window that slides. */
function windowOf(node, space, kernel) {
  const rank = space.length;
  const strides = integers(node, "strides", Array(rank).fill(1));
  const dilations = integers(node, "dilations", Array(rank).fill(1));
  const pads = integers(node, "pads", Array(2 * rank).fill(0));
  need(["", "NOTSET"].includes(textOf(node, "auto_pad", "NOTSET")));
  need(rank > 0 && [kernel, strides, dilations].every(({ length }) => length === rank));
  need(pads.length === 2 * rank || pads.length === 2 * rank + 1);
  need([...strides, ...dilations, ...kernel].every((size) => size >= 1 && size < 2 ** 16));
  need(pads.every((size) => size >= 0 && size < 2 ** 16));
  return { strides, dilations, pads: space.map((_, axis) => pads[axis] + pads[axis + rank]) };
}

function slide(node, space, kernel) {
  const { strides, dilations, pads } = windowOf(node, space, kernel);
  need(integer(node, "ceil_mode", 0) === 0);
  return space.map((size, axis) => {
    const places = size + pads[axis] - dilations[axis] * (kernel[axis] - 1) - 1;
    need(places >= 0);
    return Math.floor(places / strides[axis]) + 1;
  });
}

export function convolution(node, inputs) {
  const [count, channels, ...space] = sizes(shapeOf(inputs, 0));
  const [filters, depth, ...kernel] = sizes(shapeOf(inputs, 1));
  const group = integer(node, "group", 1);
  need(group >= 1 && channels === depth * group && filters % group === 0);
  need(equal(integers(node, "kernel_shape", kernel), kernel));
  if (inputs.length > 2) need(equal(shapeOf(inputs, 2), [filters]));
  return [[count, filters, ...slide(node, space, kernel)]];
}

export function transposedConvolution(node, inputs) {
  const [count, channels, ...space] = sizes(shapeOf(inputs, 0));
  const [depth, filters, ...kernel] = sizes(shapeOf(inputs, 1));
  const group = integer(node, "group", 1);
  need(group >= 1 && channels === depth && depth % group === 0);
  need(equal(integers(node, "kernel_shape", kernel), kernel) && !node.attributes.has("output_shape"));
  if (inputs.length > 2) need(equal(shapeOf(inputs, 2), [filters * group]));
  const { strides, dilations, pads } = windowOf(node, space, kernel);
  const extra = sizes(integers(node, "output_padding", Array(space.length).fill(0)), space.length);
  const made = space.map((size, axis) => {
    need(extra[axis] >= 0 && extra[axis] < Math.max(strides[axis], dilations[axis]));
    return strides[axis] * (size - 1) + extra[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - pads[axis];
  });
  need(made.every((size) => size >= 1));
  return [[count, filters * group, ...made]];
}

export function pool(node, inputs) {
  need(node.outputs.length === 1);
  const shape = shapeOf(inputs, 0);
  return [[...shape.slice(0, 2), ...slide(node, shape.slice(2), integers(node, "kernel_shape"))]];
}

export function globalPool(node, inputs) {
  const shape = shapeOf(inputs, 0);
  return [[...shape.slice(0, 2), ...shape.slice(2).fill(1)]];
}

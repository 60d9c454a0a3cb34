// What is known of a value in a graph before anything runs, and how the shape rules ask for it. A
// value is { shape, varies, numbers }: whether it depends on an input, and its numbers, row by row,
// where it is a small constant as shapes and axes are.

/** Insist; shapes.js turns a RangeError or TypeError into words. */
export function need(condition) {
  if (!condition) throw new RangeError();
}

/** Sizes, of which there must be `rank` (or at least two). */
export function sizes(shape, rank) {
  need(rank === undefined ? shape.length >= 2 : shape.length === rank);
  return shape;
}

export function shapeOf(inputs, place) {
  need(inputs[place] !== undefined);
  return inputs[place].shape;
}

/** The whole numbers of an input, undefined where it is left out. */
export function optionalNumbers(inputs, place) {
  if (inputs[place] === undefined) return undefined;
  need(inputs[place].numbers?.every(Number.isFinite));
  return inputs[place].numbers.map(Math.trunc);
}

export function knownNumbers(inputs, place) {
  const numbers = optionalNumbers(inputs, place);
  need(numbers !== undefined);
  return numbers;
}

/** An axis counted from the front. */
export function axisOf(axis, rank) {
  need(axis >= -rank && axis < rank);
  return axis < 0 ? axis + rank : axis;
}

/** A whole number among a node's attributes. */
export function integer(node, name, otherwise) {
  const value = node.attributes.get(name) ?? otherwise;
  need(Number.isInteger(value));
  return value;
}

/** A list of whole numbers among a node's attributes. */
export function integers(node, name, otherwise) {
  const value = node.attributes.get(name) ?? otherwise;
  need(Array.isArray(value) && value.every(Number.isInteger));
  return value;
}

/** A text among a node's attributes. */
export function textOf(node, name, otherwise) {
  const value = node.attributes.get(name);
  need(value instanceof Uint8Array || (value === undefined && otherwise !== undefined));
  return value === undefined ? otherwise : new TextDecoder().decode(value);
}

export function product(sizes) {
  return sizes.reduce((all, size) => all * size, 1);
}

/** Whether two lists of numbers are the same. */
export function equal(first, second) {
  return first.length === second.length && first.every((size, place) => size === second[place]);
}

// The classes of a conditional model. A class has a number, the data's own, and perhaps a name: people ask
// for it by these. Its place, 0 to k - 1, is what the graph takes. Python's serve/classes.py is the same.

import { show } from "./arguments.js";
import { InputError } from "./errors.js";
import { LabelStream } from "./labels.js";

const WORDS = ["uniform", "data", "balanced"];
const NUMBER = /^[0-9]{1,10}$/;
const OWN_NUMBER = /^[0-9]{1,9}$/; // of a name, so that those counted on from it fit into 31 bits
const NAMED = 20;

export class Classes {
  #streams = {};
  #places;

  constructor(card) {
    const { classes = 0, numbers = [], counts = [] } = card.labels ?? {};
    const names = card.data.class_names ?? [];
    this.names = names.length === classes ? [...names] : [];
    this.numbers = numbers.length > 0 ? [...numbers] : numbersOf(this.names, classes);
    this.#places = new Map(this.numbers.map((number, place) => [number, place]));
    if (classes > 0) this.#streams.uniform = new LabelStream(classes);
    if (counts.length > 0) this.#streams.data = new LabelStream(classes, counts);
  }

  get count() {
    return this.numbers.length;
  }

  /**
   * What a user asked for, checked: places, one for all samples or one for each; or a word, by which they
   * follow from seed and index; or nothing, of a model without classes.
   */
  choose(labels, count) {
    if (this.count === 0) {
      if (labels === undefined) return undefined;
      throw new InputError("this model is not class-conditional: it takes no labels");
    }
    if (labels === undefined) return "uniform";
    if (WORDS.includes(labels)) return this.#word(labels);
    if (!Array.isArray(labels) && !ArrayBuffer.isView(labels)) return this.#place(labels);
    if (labels.length !== count) {
      throw new InputError(`labels must be one label, or one for each of the ${count} samples, not ${labels.length}`);
    }
    return Int32Array.from(labels, (label) => this.#place(label));
  }

  /** The places of samples `start` to `start + count - 1` of what `choose` gave. */
  draw(places, { count, seed, start }) {
    if (typeof places === "number") return new Int32Array(count).fill(places);
    if (typeof places !== "string") return places;
    if (places !== "balanced") return this.#streams[places].labels(count, { seed, start });
    const first = Number(BigInt(start) % BigInt(this.count));
    return Int32Array.from({ length: count }, (_, sample) => (first + sample) % this.count);
  }

  /** The numbers of the classes at these places. */
  numbered(places) {
    return places.map((place) => this.numbers[place]);
  }

  /** The numbers in words. */
  get known() {
    const [first, last] = [this.numbers[0], this.numbers.at(-1)];
    const counted = this.numbers.every((number, place) => number === first + place);
    return this.count > 2 && counted ? `${first} to ${last}` : listed(this.numbers);
  }

  #word(word) {
    const clash = this.names.findIndex((name) => name.toLowerCase() === word);
    if (clash >= 0) {
      throw new InputError(
        `"${word}" is a class of this model and a way to draw classes: ask for the class by its number, ${this.numbers[clash]}`,
      );
    }
    if (word === "data" && this.#streams.data === undefined) {
      throw new InputError("this model's file does not say how often each class was in the data");
    }
    return word;
  }

  #place(label) {
    if (typeof label === "string") return this.#placeOfText(label);
    const value = typeof label === "bigint" ? Number(label) : label;
    const place = this.#places.get(value);
    if (place === undefined) throw new InputError(`labels of this model are ${this.known}, not ${show(label)}`);
    return place;
  }

  #placeOfText(label) {
    const exact = this.names.indexOf(label);
    if (exact >= 0) return exact;
    const alike = (name) => name.toLowerCase() === label.toLowerCase();
    if (this.names.filter(alike).length === 1) return this.names.findIndex(alike);
    const place = NUMBER.test(label) ? this.#places.get(Number(label)) : undefined;
    if (place !== undefined) return place;
    const names = this.names.length > 0 ? `, or ${listed(this.names)}` : "";
    throw new InputError(`this model has no class ${show(label)}: take ${this.known}${names}`);
  }
}

/** Numbers of classes whose card has none: names that are whole numbers, others counted on from them. */
function numbersOf(names, classes) {
  if (names.length === 0) return Array.from({ length: classes }, (_, place) => place);
  let own = new Map(names.filter((name) => OWN_NUMBER.test(name)).map((name) => [name, Number(name)]));
  if (new Set(own.values()).size < own.size) {
    own = new Map([...own].filter(([name, number]) => String(number) === name)); // 1 and 01
  }
  let free = Math.max(-1, ...own.values());
  return names.map((name) => own.get(name) ?? ++free);
}

function listed(words) {
  return words.slice(0, NAMED).join(", ") + (words.length > NAMED ? ", ..." : "");
}

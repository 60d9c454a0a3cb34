// Images from an exported generator, over whichever onnxruntime a subclass brings as `runtime`:
// web.js the one of browsers, node.js the native one.

import { readCard } from "./card.js";
import { Classes } from "./classes.js";
import { InputError, ModelError } from "./errors.js";
import { LatentStream, checkRange } from "./latents.js";
import { Samples } from "./samples.js";

// Every run has this many rows at fixed places of the index line, so that a sample never depends on
// the batch it was made in, whatever algorithm a runtime picks for another batch size.
const TILE = 32;

export class Generator {
  static runtime = undefined;

  #session;
  #Tensor;
  #stream;
  #classes;
  #shape;
  #turn = Promise.resolve();

  static async load(source, { device = "auto" } = {}) {
    if (this.runtime === undefined) {
      throw new TypeError("take Generator from web.js or node.js: this one has no onnxruntime");
    }
    const bytes = await toBytes(source, this.runtime);
    const card = readCard(bytes);
    // A first run belongs to loading: it finds a file that does not keep its card's word and a GPU
    // that does not keep its driver's, and it is the slow one.
    return this.runtime.open(bytes, device, async ({ session, provider, Tensor }) => {
      const generator = new this(card, provider);
      generator.#session = session;
      generator.#Tensor = Tensor;
      const labels = generator.classes > 0 ? new Int32Array(TILE) : undefined;
      await generator.#run(new Float32Array(TILE * card.latents.dim), TILE, labels);
      return generator;
    });
  }

  /** Internal: use `load`. */
  constructor(card, provider) {
    this.card = card;
    this.provider = provider;
    this.#stream = new LatentStream(card.latents.dim);
    this.#classes = new Classes(card);
    const [height, width, channels] = card.data.shape;
    const planes = card.export.output === "float" && card.data.shape.length === 3;
    this.#shape = planes ? [channels, height, width] : [...card.data.shape];
  }

  get sampleShape() {
    return [...this.#shape];
  }

  /** Number of classes of a class-conditional model, 0 of any other. */
  get classes() {
    return this.#classes.count;
  }

  /** The data's own numbers of the classes, by which labels name them. */
  get classNumbers() {
    return [...this.#classes.numbers];
  }

  /** Names of the classes, in the order of `classNumbers`; empty where they have none. */
  get classNames() {
    return [...this.#classes.names];
  }

  async sample(count, options = {}) {
    return this.#sample(this.#range(count, options));
  }

  async #sample(range) {
    const { count } = range;
    const size = this.#shape.reduce((product, length) => product * length);
    const data = new (this.#kind().array)(count * size);
    let done = 0;
    for await (const { values, rows } of this.#tiles(range)) {
      data.set(values, done * size);
      done += rows;
    }
    return new Samples(data, [count, ...this.#shape]);
  }

  stream(count, options = {}) {
    const { batchSize = TILE, ...rest } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new InputError(`batchSize must be a whole number of at least 1, not ${batchSize}`);
    }
    const range = this.#range(count, rest); // checked now, not at the first batch
    return this.#batches(range, batchSize);
  }

  latents(count, options = {}) {
    return this.#stream.latents(count, options);
  }

  /** The labels of samples `start` to `start + count - 1`: numbers of their classes. */
  labels(count, options = {}) {
    const range = this.#range(count, options);
    if (range.places === undefined) throw new InputError("this model is not class-conditional: it has no labels");
    return this.#classes.numbered(this.#classes.draw(range.places, range));
  }

  async generate(latents, labels) {
    const { dim } = this.#stream;
    if (!(latents instanceof Float32Array) || latents.length % dim !== 0) {
      throw new InputError(`latents must be a Float32Array of n * ${dim} values`);
    }
    const rows = latents.length / dim;
    const chosen = this.#classes.choose(labels, rows);
    if (typeof chosen === "string") {
      throw new InputError(`latents alone are not enough: give labels, ${this.#classes.known}`);
    }
    const kind = this.#kind();
    const data = rows === 0 ? new kind.array(0) : await this.#run(latents, rows, chosen);
    return new Samples(data, [rows, ...this.#shape]);
  }

  async dispose() {
    await this.#turn;
    await this.#session.release();
  }

  #range(count, { seed = 0, start = 0, labels }) {
    return { ...checkRange(count, seed, start), places: this.#classes.choose(labels, count) };
  }

  async *#batches({ count, seed, start, places }, batchSize) {
    for (let done = 0; done < count; done += batchSize) {
      const rows = Math.min(batchSize, count - done);
      const some = typeof places === "object" ? places.subarray(done, done + rows) : places;
      yield await this.#sample({ count: rows, seed, start: start + BigInt(done), places: some });
    }
  }

  /** The rows of a range, tile by tile, those before and after it in its outermost tiles cut off. */
  async *#tiles({ count, seed, start, places }) {
    const labels = this.#classes.draw(places, { count, seed, start });
    const end = start + BigInt(count);
    const tile = BigInt(TILE);
    for (let first = start - (start % tile); first < end; first += tile) {
      const from = start > first ? Number(start - first) : 0;
      const to = end < first + tile ? Number(end - first) : TILE;
      let tileLabels;
      if (labels !== undefined) {
        const done = start > first ? 0 : Number(first - start);
        tileLabels = new Int32Array(TILE); // rows outside the range are thrown away: any label will do
        tileLabels.set(labels.subarray(done, done + to - from), from);
      }
      const values = await this.#run(this.#stream.latents(TILE, { seed, start: first }), TILE, tileLabels);
      const size = values.length / TILE;
      yield { values: values.subarray(from * size, to * size), rows: to - from };
    }
  }

  /** One run of the model; runs take turns, because a session is not made for two at a time. */
  #run(latents, rows, labels) {
    const turn = this.#turn.then(() => this.#compute(latents, rows, labels));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #compute(latents, rows, labels) {
    const session = this.#session;
    const feed = { [session.inputNames[0]]: new this.#Tensor("float32", latents, [rows, this.#stream.dim]) };
    if (labels !== undefined) {
      feed[session.inputNames[1]] = new this.#Tensor("int64", BigInt64Array.from(labels, BigInt), [rows]);
    }
    const output = (await session.run(feed))[session.outputNames[0]];
    const kind = this.#kind();
    if (output.type !== kind.name || String(output.dims) !== String([rows, ...this.#shape])) {
      throw new ModelError(
        `the model gives ${output.type} [${output.dims}], its card says ${kind.name} [${[rows, ...this.#shape]}]`,
      );
    }
    return output.getData();
  }

  #kind() {
    return this.card.export.output === "float"
      ? { name: "float32", array: Float32Array }
      : { name: "uint8", array: Uint8Array };
  }
}

async function toBytes(source, runtime) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (typeof source === "string" || source instanceof URL) return runtime.read(source);
  throw new InputError("a model is an address, or its bytes as Uint8Array or ArrayBuffer");
}

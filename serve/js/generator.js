// Images from an exported generator, over whichever onnxruntime a subclass brings as `runtime`:
// web.js the one of browsers, node.js the native one.

import { makeRows, readOptions, readRange, show } from "./arguments.js";
import { Classes } from "./classes.js";
import { DropganError, InputError, ModelError, firstLine } from "./errors.js";
import { LatentStream } from "./latents.js";
import { screen } from "./loading/screen.js";
import { Samples } from "./samples.js";

// Every run has this many rows at fixed places of the index line, so that a sample never depends on
// the batch it was made in, whatever algorithm a runtime picks for another batch size.
const TILE = 32;

const RANGE = ["seed", "start", "labels"];

export class Generator {
  static runtime = undefined;

  #session;
  #Tensor;
  #model;
  #stream;
  #classes;
  #shape;
  #turn = Promise.resolve();

  static async load(source, options) {
    if (this.runtime === undefined) {
      throw new TypeError("take Generator from web.js or node.js: this one has no onnxruntime");
    }
    const { device = "auto" } = readOptions(options, ["device"]);
    const bytes = await toBytes(source, this.runtime);
    const model = screen(bytes);
    // A first run belongs to loading: it finds a GPU that does not keep its driver's word, and it is
    // the slow one.
    return this.runtime.open(bytes, device, async ({ session, provider, Tensor }) => {
      const generator = new this(model, provider);
      generator.#session = session;
      generator.#Tensor = Tensor;
      const labels = generator.classes > 0 ? new Int32Array(TILE) : undefined;
      await generator.#run(new Float32Array(TILE * model.card.latents.dim), TILE, labels);
      return generator;
    });
  }

  /** Internal: use `load`. */
  constructor(model, provider) {
    this.card = model.card;
    this.provider = provider;
    this.#model = model;
    this.#stream = new LatentStream(this.card.latents.dim);
    this.#classes = new Classes(this.card);
    const [channels, ...size] = model.shape;
    this.#shape = model.planes ? [...size, channels] : model.shape;
  }

  get sampleShape() {
    return [...this.#shape];
  }

  get pictureSize() {
    return new Samples(new this.#Values(0), [0, ...this.#shape]).pictureSize;
  }

  /** Whether `dispose` was called. */
  get disposed() {
    return this.#session === undefined;
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

  async sample(count, options) {
    this.#requireOpen();
    return this.#sample(this.#range(count, options));
  }

  async #sample(range) {
    const { count } = range;
    const size = this.#shape.reduce((product, length) => product * length);
    const data = makeRows(this.#Values, count, size, "take them with stream(), batch by batch");
    let done = 0;
    for await (const { values, rows } of this.#tiles(range)) {
      data.set(values, done * size);
      done += rows;
    }
    return new Samples(data, [count, ...this.#shape]);
  }

  stream(count, options) {
    this.#requireOpen();
    const { batchSize = TILE, ...rest } = readOptions(options, [...RANGE, "batchSize"]);
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new InputError(`batchSize must be a whole number of at least 1, not ${show(batchSize)}`);
    }
    return this.#batches(this.#range(count, rest), batchSize); // checked now, not at the first batch
  }

  latents(count, options) {
    return this.#stream.latents(count, options);
  }

  /** The labels of samples `start` to `start + count - 1`: numbers of their classes. */
  labels(count, options) {
    const range = this.#range(count, options);
    if (range.places === undefined) throw new InputError("this model is not class-conditional: it has no labels");
    return this.#classes.numbered(this.#classes.draw(range.places, range));
  }

  async generate(latents, labels) {
    this.#requireOpen();
    const { dim } = this.#stream;
    if (!(latents instanceof Float32Array) || latents.length % dim !== 0) {
      throw new InputError(`latents must be a Float32Array of n * ${dim} values`);
    }
    const rows = latents.length / dim;
    const places = this.#classes.choose(labels, rows);
    if (typeof places === "string") {
      throw new InputError(`latents alone are not enough: give labels, ${this.#classes.known}`);
    }
    const chosen = this.#classes.draw(places, { count: rows });
    if (rows === 0) return new Samples(new this.#Values(0), [0, ...this.#shape]);
    // a copy: the model runs when its turn comes, and the caller's array may hold others by then
    const data = await this.#run(latents.slice(), rows, chosen);
    return new Samples(data, [rows, ...this.#shape]);
  }

  async dispose() {
    const session = this.#session;
    this.#session = undefined;
    await this.#turn;
    await session?.release();
  }

  get #Values() {
    return this.#model.kind === "float32" ? Float32Array : Uint8Array;
  }

  #requireOpen() {
    if (this.disposed) throw new DropganError("this generator was disposed of: load the model again");
  }

  #range(count, options) {
    const { labels, ...range } = readOptions(options, RANGE);
    const read = readRange(count, range);
    return { ...read, places: this.#classes.choose(labels, count) };
  }

  async *#batches({ count, seed, start, places }, batchSize) {
    for (let done = 0; done < count; done += batchSize) {
      this.#requireOpen();
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
    this.#requireOpen();
    const { input, labels: labelsInput, output, kind, shape, planes } = this.#model;
    const feed = { [input]: new this.#Tensor("float32", latents, [rows, this.#stream.dim]) };
    if (labels !== undefined) {
      feed[labelsInput] = new this.#Tensor("int64", BigInt64Array.from(labels, BigInt), [rows]);
    }
    let made;
    try {
      made = (await this.#session.run(feed))[output];
    } catch (error) {
      throw new ModelError(`the model cannot be run: ${firstLine(error)}`);
    }
    if (made.type !== kind || String(made.dims) !== String([rows, ...shape])) {
      throw new ModelError(`the model gives ${made.type} [${made.dims}], its card says ${kind} [${[rows, ...shape]}]`);
    }
    const values = await made.getData();
    return planes ? channelsLast(values, shape) : values;
  }
}

/** Pixels that a file gives as planes, as they are shown and stored. */
function channelsLast(values, [channels, height, width]) {
  const plane = height * width;
  const out = new values.constructor(values.length);
  for (let place = 0; place < values.length; place++) {
    const [sample, rest] = [Math.floor(place / (channels * plane)), place % (channels * plane)];
    out[(sample * plane + (rest % plane)) * channels + Math.floor(rest / plane)] = values[place];
  }
  return out;
}

/** A model's bytes, as a copy where the caller has them: loading takes a while. */
async function toBytes(source, runtime) {
  if (source instanceof ArrayBuffer) return new Uint8Array(source).slice();
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  if (typeof source === "string" || source instanceof URL) return runtime.read(source);
  throw new InputError("a model is an address, or its bytes as Uint8Array or ArrayBuffer");
}

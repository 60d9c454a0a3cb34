// Where the page's samples come from: here, this browser. The studio of `dropgan serve` has a file of this
// name too, which asks a service.

import { generator, LatentStream, seedNumber } from "../index.js";

const NAME = document.title;
let opened = generator({ device: "wasm" }); // WebGPU's build is many megabytes: only whoever asks for it loads it

/** Make what follows on another device; what is shown already stays. */
export async function use(device) {
  const wanted = generator({ device });
  await wanted;
  opened = wanted;
  return (await opened).provider;
}

export async function listModels() {
  const { card, classes, classNames, classNumbers, sampleShape, pictureSize } = await opened;
  const { name, kind } = card.data;
  const shared = { classes, class_names: classNames, class_numbers: classNumbers };
  const sizes = { sample_shape: sampleShape, picture_size: pictureSize };
  return [{ name: NAME, data: name, kind, columns: [], latent_dim: card.latents.dim, ...shared, ...sizes }];
}

export const readCard = async (model) => ({ ...model, card: (await opened).card });

async function make({ seed, options }, first, count) {
  const made = await opened;
  const range = { seed: seedNumber(seed), start: BigInt(first) };
  const chosen = options.label || undefined;
  const labels = made.classes ? [...made.labels(count, { ...range, labels: chosen })] : undefined;
  const factor = Math.fround(Number(options.truncation ?? 1));
  if (factor === 1) return { samples: await made.sample(count, made.classes ? { ...range, labels } : range), labels };
  const latents = made.latents(count, range).map((value) => value * factor);
  return { samples: await made.generate(latents, labels), labels };
}

function paint(samples, index, scale = 1) {
  const [height, width] = samples.pictureSize;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(samples.toImageData(index), 0, 0);
  if (scale === 1) return canvas.toDataURL("image/png");
  const large = document.createElement("canvas");
  [large.width, large.height] = [width * scale, height * scale];
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  return large.toDataURL("image/png");
}

export function pictures(view, first, count) {
  const made = make(view, first, count);
  return Array.from({ length: count }, async (_, place) => paint((await made).samples, place));
}

export const picture = async (view, index, scale) => paint((await make(view, index, 1)).samples, 0, scale);

/** A page that lies in a folder has no address for each sample. */
export const permanent = () => null;

export async function told(view, index) {
  const { labels } = await make(view, index, 1);
  return { seed: String(seedNumber(view.seed)), label: labels?.[0] };
}

export const fromLatents = async (_model, latents, labels) =>
  (await opened).generate(Float32Array.from(latents.flat()), labels);

export { LatentStream };

export const code = {
  python: () => ["from dropgan.serve import Generator", "", 'generator = Generator("model.onnx")'],
  javascript: (model) => [`import { generator as open } from "${model.name}";`, "", "const generator = await open();"],
};

// A walk between two samples: latents are interpolated here, the service draws them.

import { fromLatents, LatentStream, told } from "./source.js";

export const STEPS = 16;

/** Spherical interpolation (Shoemake 1985): latents stay about as long as those that the network knows. */
function between(a, b, t) {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / Math.sqrt(aa * bb))));
  const sine = Math.sin(angle);
  const [wa, wb] = sine < 1e-6 ? [1 - t, t] : [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  return Array.from(a, (value, i) => wa * value + wb * b[i]);
}

/** All pictures of a walk, as arrays [height][width][channels]. */
export async function walk(model, from, to) {
  const ends = await Promise.all([from, to].map((end) => told(end.view, end.index)));
  const stream = new LatentStream(model.latent_dim);
  const [a, b] = [from, to].map((end, i) => {
    const latents = stream.latents(1, { seed: BigInt(ends[i].seed), start: BigInt(end.index) });
    return latents.map((value) => value * Number(end.view.options.truncation ?? 1));
  });
  const latents = Array.from({ length: STEPS + 1 }, (_, step) => between(a, b, step / STEPS));
  const labels = model.classes
    ? latents.map((_, step) => (step <= STEPS / 2 ? ends[0].label : ends[1].label))
    : undefined;
  return fromLatents(model, latents, labels);
}

export function paint(canvas, picture) {
  const [height, width, channels] = [picture.length, picture[0].length, picture[0][0].length];
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  let place = 0;
  for (const row of picture) {
    for (const pixel of row) {
      const grey = channels === 1;
      pixels.data.set([pixel[0], grey ? pixel[0] : pixel[1], grey ? pixel[0] : pixel[2], pixel[3] ?? 255], place);
      place += 4;
    }
  }
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(pixels, 0, 0);
}

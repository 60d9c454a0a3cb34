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

/** The samples of a walk, one a step. */
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

export function paint(canvas, samples, step) {
  [canvas.height, canvas.width] = samples.pictureSize;
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(samples.toImageData(step), 0, 0);
}

// Where the page's samples come from: here, a service. The page that `dropgan package` makes has a file of
// this name too, whose samples are made in the browser.

import { Samples } from "./runtime/samples.js";

async function json(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error ?? `the service answered ${answer.status}`);
  return body;
}

export const listModels = () => json("models");

export const readCard = (model) => json(encodeURIComponent(model.name));

/** The part of an address behind the suffix; nothing where everything is as usual. */
function query({ label, truncation, scale }) {
  const parts = new URLSearchParams();
  if (label) parts.set("label", label);
  if (scale > 1) parts.set("scale", String(scale));
  if (truncation && truncation !== "1") parts.set("truncation", truncation);
  const text = parts.toString();
  return text ? `?${text}` : "";
}

function address(model, seed, place, suffix, options = {}) {
  return `${model.digest}/${encodeURIComponent(seed)}/${place}.${suffix}${query(options)}`;
}

/** Where the pictures of samples are to be had; each an address, or the promise of one. */
export function pictures({ model, seed, options }, first, count) {
  return Array.from({ length: count }, (_, place) => address(model, seed, first + place, "png", options));
}

/** One picture, its pixels as squares of `scale` pixels. */
export const picture = ({ model, seed, options }, index, scale) =>
  address(model, seed, index, "png", { ...options, scale });

/** The address at which everybody finds the sample. */
export const permanent = ({ model, seed, options }, index) =>
  new URL(address(model, seed, index, "png", options), document.baseURI).href;

/** The number of a sample's seed, and of its class. */
export const told = ({ model, seed, options }, index) => json(address(model, seed, index, "json", options));

export async function table({ model, seed, options }, first, last) {
  const answer = await fetch(address(model, seed, `${first}-${last}`, "csv", options));
  const text = await answer.text();
  if (!answer.ok) throw new Error(JSON.parse(text).error);
  // numbers come first in each line; names of columns, which may hold anything, are the model's
  return text
    .trimEnd()
    .split("\n")
    .slice(-(last - first + 1))
    .map((line) => line.split(",", model.columns.length));
}

/** Samples from latents. */
export async function fromLatents(model, latents, labels) {
  const body = JSON.stringify(labels ? { latents, labels } : { latents });
  const headers = { "content-type": "application/json" };
  const { samples } = await json(`${model.digest}/samples`, { method: "POST", headers, body });
  return new Samples(Uint8Array.from(samples.flat(Infinity)), [samples.length, ...model.sample_shape]);
}

export { LatentStream } from "./runtime/latents.js";

/** How a program has the model. */
export const code = {
  python: (model) => ['from dropgan.serve import Generator', "", `generator = Generator("${model.name}.onnx")`],
  javascript: (model) => ['import { Generator } from "dropgan";', "", `const generator = await Generator.load("${model.name}.onnx");`],
};

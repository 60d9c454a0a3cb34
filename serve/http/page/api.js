// What the page asks the service.

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

/** The permanent address of a sample, or of a range ("0-63"), from the root of the service. */
export function address(model, seed, place, suffix, options = {}) {
  return `${model.digest}/${encodeURIComponent(seed)}/${place}.${suffix}${query(options)}`;
}

export const sample = (model, seed, index, options) => json(address(model, seed, index, "json", options));

export async function table(model, seed, first, last, options) {
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

export function fromLatents(model, latents, labels) {
  const body = JSON.stringify(labels ? { latents, labels } : { latents });
  const headers = { "content-type": "application/json" };
  return json(`${model.digest}/samples`, { method: "POST", headers, body });
}

// The lines that make a sample again, in three languages. They are texts for people: nothing runs them.

import { code } from "./source.js";

const quoted = (text) => JSON.stringify(text);
const isNumber = (seed) => /^[0-9]{1,20}$/.test(seed) && BigInt(seed) < 2n ** 64n;
const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

export function pythonCode(model, seed, index, { label, truncation }) {
  const parts = ["1", `seed=${isNumber(seed) ? BigInt(seed) : quoted(seed)}`, `start=${index}`];
  if (label) parts.push(`labels=${quoted(label)}`);
  if (truncation !== "1") parts.push(`truncation=${truncation}`);
  return [...code.python(model), `sample = generator.sample(${parts.join(", ")})[0]`].join("\n");
}

export function javascriptCode(model, seed, index, { label, truncation }) {
  const range = `seed: ${isNumber(seed) ? `${BigInt(seed)}n` : quoted(seed)}, start: ${index}n`;
  const labels = label ? `, labels: ${quoted(label)}` : "";
  const whole = [...code.javascript(model)];
  if (truncation === "1") whole.push(`const samples = await generator.sample(1, { ${range}${labels} });`);
  else {
    const drawn = model.classes ? `, generator.labels(1, { ${range}${labels} })` : "";
    whole.push(
      `const latents = generator.latents(1, { ${range} }).map((value) => value * ${truncation});`,
      `const samples = await generator.generate(latents${drawn});`,
    );
  }
  return whole.join("\n");
}

export function curlCode(url, suffix) {
  return `curl -o sample.${suffix} \\\n  ${shell(url)}`;
}

// The lines that make a sample again, in three languages. They are texts for people: nothing runs them.

const quoted = (text) => JSON.stringify(text);
const isNumber = (seed) => /^[0-9]{1,20}$/.test(seed) && BigInt(seed) < 2n ** 64n;
const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

export function pythonCode(model, seed, index, { label, truncation }) {
  const parts = ["1", `seed=${isNumber(seed) ? BigInt(seed) : quoted(seed)}`, `start=${index}`];
  if (label) parts.push(`labels=${quoted(label)}`);
  if (truncation !== "1") parts.push(`truncation=${truncation}`);
  return [
    "from dropgan.serve import Generator",
    "",
    `generator = Generator(${quoted(`${model.name}.onnx`)})`,
    `sample = generator.sample(${parts.join(", ")})[0]`,
  ].join("\n");
}

export function javascriptCode(model, seed, index, { label, truncation }) {
  const parts = [`seed: ${isNumber(seed) ? `${BigInt(seed)}n` : quoted(seed)}`, `start: ${index}n`];
  if (label) parts.push(`labels: ${quoted(label)}`);
  if (truncation !== "1") parts.push(`truncation: ${truncation}`);
  return [
    'import { Generator } from "dropgan";',
    "",
    `const generator = await Generator.load(${quoted(`${model.name}.onnx`)});`,
    `const samples = await generator.sample(1, { ${parts.join(", ")} });`,
  ].join("\n");
}

export function curlCode(url, suffix) {
  return `curl -o sample.${suffix} \\\n  ${shell(url)}`;
}

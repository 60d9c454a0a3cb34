// A picture for every user name, the one that ../python_app/avatar.py makes, as a PGM or PPM file.
//
//   npm install dropgan onnxruntime-node
//   node avatar.mjs model.onnx alice@example.org avatar.pgm

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Generator } from "dropgan";

const [model, name, out = "avatar.pgm"] = process.argv.slice(2);
if (name === undefined) {
  console.error("usage: node avatar.mjs MODEL NAME [OUT]");
  process.exit(2);
}
const seed = createHash("sha256").update(name).digest().readBigUInt64LE(0);
try {
  const generator = await Generator.load(model);
  const { data, shape } = await generator.sample(1, { seed });
  const [, height, width, channels] = shape;
  const kind = channels === 1 ? "P5" : "P6";
  writeFileSync(out, Buffer.concat([Buffer.from(`${kind}\n${width} ${height}\n255\n`), data]));
} catch (error) {
  console.error(`avatar: ${error.message}`);
  process.exit(1);
}

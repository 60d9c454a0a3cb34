// For Node: Generator over onnxruntime-node.

import { Generator as Base } from "./generator.js";
import { nodeRuntime } from "./node-runtime.js";

export class Generator extends Base {
  static runtime = nodeRuntime;
}

export * from "./exports.js";

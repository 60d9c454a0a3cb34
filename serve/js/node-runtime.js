// onnxruntime-node: reading and opening a model in Node.

import { readFile } from "node:fs/promises";
import { isMainThread } from "node:worker_threads";
import { DeviceError, DropganError, InputError, ModelError, firstLine } from "./errors.js";

const NO_TELEMETRY = "ORT_DISABLE_TELEMETRY";

// onnxruntime writes a device id into the user's cache and sends usage data unless it is told not to
// before it is loaded. A worker thread has a copy of the environment, which onnxruntime does not see.
const untold = process.env[NO_TELEMETRY] === undefined;
process.env[NO_TELEMETRY] ??= "1";

export const nodeRuntime = {
  async read(source) {
    try {
      if (/^https?:/.test(String(source))) {
        const answer = await fetch(source);
        if (!answer.ok) throw new Error(`the server says ${answer.status}`);
        return new Uint8Array(await answer.arrayBuffer());
      }
      const isFileUrl = typeof source === "string" && source.startsWith("file:");
      return new Uint8Array(await readFile(isFileUrl ? new URL(source) : source));
    } catch (error) {
      throw new ModelError(`cannot read ${source}: ${firstLine(error)}`);
    }
  },

  async open(bytes, device, tryOut) {
    if (device !== "auto" && device !== "cpu") {
      throw new InputError(`device must be auto or cpu in Node, not ${String(device).slice(0, 80)}`);
    }
    if (untold && !isMainThread) {
      process.emitWarning(
        "onnxruntime's telemetry cannot be switched off in a worker thread: import dropgan in the main" +
          ` thread first, or set ${NO_TELEMETRY}=1`,
      );
    }
    let ort;
    try {
      ort = await import("onnxruntime-node");
    } catch (error) {
      throw new DeviceError(`onnxruntime-node cannot be loaded (${firstLine(error)}): npm install onnxruntime-node`);
    }
    const options = { executionProviders: ["cpu"], logSeverityLevel: 4 };
    try {
      const session = await ort.InferenceSession.create(bytes, options);
      return await tryOut({ session, provider: "cpu", Tensor: ort.Tensor });
    } catch (error) {
      if (error instanceof DropganError) throw error;
      throw new ModelError(`the model cannot be loaded: ${firstLine(error)}`);
    }
  },
};

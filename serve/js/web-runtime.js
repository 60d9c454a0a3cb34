// onnxruntime-web: reading and opening a model in a browser.

import { DeviceError, InputError, ModelError } from "./errors.js";

/**
 * @param modules Functions that import onnxruntime-web's builds, `wasm` and `webgpu`; only the one
 *   that is needed is called, since each brings many megabytes.
 * @param folder Address of the folder with their WebAssembly files; undefined leaves it to them.
 */
export function webRuntime(modules, folder) {
  const opened = {};
  const start = async (provider) => {
    opened[provider] ??= Promise.resolve(modules[provider]()).then((ort) => {
      if (folder !== undefined) ort.env.wasm.wasmPaths = folder;
      ort.env.wasm.numThreads = 1; // generators are small, and threads would need special headers
      ort.env.logLevel = "error";
      return ort;
    });
    return opened[provider];
  };
  return {
    read,
    async open(bytes, device) {
      const provider = await choose(device);
      let ort;
      try {
        ort = await start(provider);
      } catch (error) {
        delete opened[provider];
        throw new DeviceError(`onnxruntime-web cannot be loaded (${firstLine(error)})`);
      }
      try {
        const session = await ort.InferenceSession.create(bytes, { executionProviders: [provider] });
        return { session, provider, Tensor: ort.Tensor };
      } catch (error) {
        throw new ModelError(`the model cannot be loaded on ${provider}: ${firstLine(error)}`);
      }
    },
  };
}

async function choose(device) {
  if (device === "wasm") return device;
  if (device !== "auto" && device !== "webgpu") {
    throw new InputError(`device must be auto, webgpu or wasm in a browser, not ${device}`);
  }
  const adapter = await globalThis.navigator?.gpu?.requestAdapter().catch(() => null);
  if (adapter) return "webgpu";
  if (device === "auto") return "wasm";
  throw new DeviceError("this browser has no WebGPU: take device auto or wasm");
}

async function read(source) {
  let answer;
  try {
    answer = await fetch(source);
  } catch (error) {
    throw new ModelError(`cannot fetch ${source}: ${firstLine(error)}`);
  }
  if (!answer.ok) throw new ModelError(`cannot fetch ${source}: the server says ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function firstLine(error) {
  return String(error?.message ?? error).split("\n")[0].slice(0, 300);
}

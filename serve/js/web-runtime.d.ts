/** One build of onnxruntime-web. */
export interface WebBuild {
  /** Imports it, only when it is needed. */
  load: () => Promise<unknown>;
  /** Where its WebAssembly files lie; left to onnxruntime-web by default. */
  paths?: { mjs: string; wasm: string };
}

/** How a generator reads and opens a model: internal to dropgan. */
export interface Runtime {
  read(source: string | URL): Promise<Uint8Array>;
  open(bytes: Uint8Array, device: string): Promise<{ session: unknown; provider: string; Tensor: unknown }>;
}

export function webRuntime(builds: { wasm: WebBuild; webgpu?: WebBuild }): Runtime;

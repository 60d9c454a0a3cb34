/** Builds of onnxruntime-web, imported only when needed. */
export interface WebModules {
  wasm: () => Promise<unknown>;
  webgpu: () => Promise<unknown>;
}

/** How a generator reads and opens a model: internal to dropgan. */
export interface Runtime {
  read(source: string | URL): Promise<Uint8Array>;
  open(bytes: Uint8Array, device: string): Promise<{ session: unknown; provider: string; Tensor: unknown }>;
}

export function webRuntime(modules: WebModules, folder?: string): Runtime;

import type { Generator, Labels, LoadOptions, Range, Samples } from "./dropgan/index.js";

/** Address of the model file in this package. */
export const model: URL;

/** The generator: opened at the first call and shared, or, with options, a new one. */
export function generator(options?: LoadOptions): Promise<Generator>;

/** Samples `start` to `start + count - 1` of `seed` from the shared generator. */
export function sample(count: number, options?: Range & { labels?: Labels }): Promise<Samples>;

export * from "./dropgan/index.js";

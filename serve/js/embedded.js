// generator() and sample() of a package that carries its model.

export function embedded(Generator, model) {
  let shared;
  const generator = (options) => {
    if (options !== undefined) return Generator.load(model, options);
    shared ??= Generator.load(model).catch((error) => {
      shared = undefined; // a lost connection must not be the answer for ever
      throw error;
    });
    return shared;
  };
  const sample = async (count, options) => (await generator()).sample(count, options);
  return { generator, sample };
}

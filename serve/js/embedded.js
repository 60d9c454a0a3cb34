// generator() and sample() of a package that carries its model.

export function embedded(Generator, model) {
  let [shared, opened] = [];
  const open = async () => {
    try {
      opened = await Generator.load(model);
      return opened;
    } catch (error) {
      shared = undefined; // a lost connection must not be the answer for ever
      throw error;
    }
  };
  const generator = async (options) => {
    if (options !== undefined) return Generator.load(model, options);
    if (opened?.disposed) [shared, opened] = [];
    shared ??= open();
    return shared;
  };
  const sample = async (count, options) => (await generator()).sample(count, options);
  return { generator, sample };
}

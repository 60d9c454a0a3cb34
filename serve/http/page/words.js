// A model's card in words.

const number = (value) => Number(value).toLocaleString("en");

export function describe(model) {
  const { card } = model;
  const { data, architecture, latents, dropout, training, scores } = card;
  const lines = {
    "Trained on": `${data.name}, ${number(data.samples)} samples of ${data.shape.join(" × ")}`,
    Network: `${architecture.name}, ${number(architecture.parameters)} weights, latents of ${latents.dim} numbers`,
    Dropout: `${dropout.generator} in the generator and ${dropout.discriminator} in the discriminator while it was trained; none in this file`,
    Training: `${number(training.steps)} steps of recipe ${training.recipe}, seed ${training.seed}`,
  };
  const classes = model.class_names.length ? model.class_names : model.class_numbers;
  if (classes.length) lines.Classes = classes.join(", ");
  const parity = card.export?.parity;
  if (parity) {
    lines.Certificate =
      `The file was compared with ${parity.reference || "the trained network"} on ${number(parity.samples)} samples` +
      ` (${parity.provider}): the largest difference was ${parity.max_difference}. It holds no dropout and draws no random numbers.`;
  }
  for (const score of scores ?? []) {
    lines[score.name.replaceAll("_", " ")] = `${Number(score.value).toPrecision(4)} against ${score.reference}`;
  }
  lines["SHA-256"] = model.digest;
  const list = document.createElement("dl");
  for (const [name, text] of Object.entries(lines)) {
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    detail.textContent = text;
    list.append(term, detail);
  }
  return list;
}

// The page: samples of the seed and the place that its address names (#seed=0&start=0&count=64), of a
// class-conditional model also of the class (&label=3).

import { generator } from "./index.js";

const element = (id) => document.getElementById(id);
const [seed, start, count, label] = ["seed", "start", "count", "label"].map(element);

function say(text, state) {
  element("status").textContent = text;
  element("status").dataset.state = state;
}

function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const field of [seed, start, count]) {
    const value = wanted.get(field.id);
    if (value !== null && /^[0-9]{1,20}$/.test(value)) field.value = value;
  }
  if (count.value === "") count.value = "64";
  const chosen = wanted.get("label") ?? "";
  label.value = [...label.options].some((option) => option.value === chosen) ? chosen : "";
}

/** The classes to choose from; most models have none. */
function offerClasses({ classes, classNames, classNumbers }) {
  if (classes === 0 || label.options.length > 1) return;
  classNumbers.forEach((number, place) => {
    label.append(new Option(classNames[place] ?? String(number), String(number)));
  });
  element("classes").hidden = false;
  readAddress();
}

/** What is asked for: one class, or all in turn. */
function wantedLabels({ classes, classNumbers }) {
  if (classes === 0) return undefined;
  if (label.value !== "") return Number(label.value);
  const turn = (place) => Number((BigInt(start.value) + BigInt(place)) % BigInt(classes));
  return Array.from({ length: Number(count.value) }, (_, place) => classNumbers[turn(place)]);
}

function writeAddress() {
  const chosen = label.value === "" ? "" : `&label=${label.value}`;
  history.replaceState(null, "", `#seed=${seed.value}&start=${start.value}&count=${count.value}${chosen}`);
}

let latest = 0;

async function draw() {
  if (!element("controls").checkValidity()) return;
  const turn = ++latest;
  try {
    const opened = await generator();
    offerClasses(opened);
    const began = performance.now();
    const samples = await opened.sample(Number(count.value), {
      seed: BigInt(seed.value),
      start: BigInt(start.value),
      labels: wantedLabels(opened),
    });
    if (turn !== latest) return; // another wish came while this one was under way
    const milliseconds = Math.max(1, Math.round(performance.now() - began));
    samples.toCanvas(element("images"));
    say(`${samples.count} images in ${milliseconds} ms on ${opened.provider}`, "done");
  } catch (error) {
    if (turn === latest) say(error.message, "failed");
  }
}

function move(direction) {
  const step = BigInt(count.value) * BigInt(direction);
  const place = BigInt(/^[0-9]+$/.test(start.value) ? start.value : 0) + step;
  start.value = String(place < 0n ? 0n : place);
  writeAddress();
  draw();
}

function showCard({ data, architecture, latents, dropout, training, scores }) {
  const lines = {
    "Trained on": `${data.name}, ${data.samples.toLocaleString("en")} samples of ${data.shape.join(" × ")}`,
    Network: `${architecture.name}, ${architecture.parameters.toLocaleString("en")} weights, latents of ${latents.dim}`,
    "Dropout in training": `${dropout.generator} in the generator, ${dropout.discriminator} in the discriminator; none in this file`,
    Training: `${training.steps.toLocaleString("en")} steps, recipe ${training.recipe}, seed ${training.seed}`,
  };
  for (const score of scores ?? []) lines[score.name] = `${score.value.toPrecision(4)} against ${score.reference}`;
  for (const [name, text] of Object.entries(lines)) {
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    detail.textContent = text;
    element("card").append(term, detail);
  }
}

function save() {
  const link = document.createElement("a");
  link.download = `seed-${seed.value}-from-${start.value}.png`;
  link.href = element("images").toDataURL("image/png");
  link.click();
}

element("controls").addEventListener("submit", (event) => event.preventDefault());
element("controls").addEventListener("input", () => {
  writeAddress();
  draw();
});
element("previous").addEventListener("click", () => move(-1));
element("next").addEventListener("click", () => move(1));
element("save").addEventListener("click", save);
addEventListener("hashchange", () => {
  readAddress();
  draw();
});

readAddress();
await draw();
generator().then((opened) => showCard(opened.card), () => {}); // draw() has said what went wrong

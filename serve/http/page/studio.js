// The studio, also as the page of `dropgan package`: samples of the model, seed, class and truncation that the page's own address names
// (#model=clothes&seed=ada&label=Bag&truncation=0.7&index=3).

import { Detail } from "./detail.js";
import { Grid } from "./grid.js";
import { listModels, readCard } from "./source.js";
import { describe } from "./words.js";

const element = (id) => document.getElementById(id);
const [modelField, seedField, labelField, truncationField] = ["model", "seed", "label", "truncation"].map(element);
const detail = new Detail();
const grid = new Grid((index) => detail.open(view, index));

let models = [];
let view = null;
let waiting = 0;

const chosenModel = () => models.find((model) => model.name === modelField.value) ?? models[0];

function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (models.some((model) => model.name === wanted.get("model"))) modelField.value = wanted.get("model");
  offerClasses();
  seedField.value = wanted.get("seed") || seedField.value || "0";
  const label = wanted.get("label") ?? "";
  if ([...labelField.options].some((option) => option.value === label)) labelField.value = label;
  if (wanted.get("truncation")) truncationField.value = wanted.get("truncation");
  return /^[0-9]{1,15}$/.test(wanted.get("index") ?? "") ? Number(wanted.get("index")) : null;
}

function offerClasses() {
  const model = chosenModel();
  const before = labelField.value;
  const names = model.class_names.length ? model.class_names : model.class_numbers.map(String);
  labelField.replaceChildren(new Option("any", ""), ...names.map((name) => new Option(name, name)));
  if (names.includes(before)) labelField.value = before;
  element("class-field").hidden = model.classes === 0;
}

function writeAddress() {
  const parts = new URLSearchParams({ model: modelField.value, seed: seedField.value });
  if (labelField.value) parts.set("label", labelField.value);
  if (truncationField.value !== "1") parts.set("truncation", truncationField.value);
  history.replaceState(null, "", `#${parts}`);
}

async function draw() {
  const model = chosenModel();
  const options = { label: labelField.value, truncation: truncationField.value };
  element("truncation-value").textContent = truncationField.value;
  view = { model, seed: seedField.value || "0", options };
  document.body.dataset.state = "loading";
  element("status").textContent = `${model.name}: ${model.kind} of ${model.data}`;
  const turn = view;
  const began = performance.now();
  await grid.show(view);
  if (turn !== view || document.body.dataset.state === "failed") return;
  document.body.dataset.state = "done";
  document.body.dataset.milliseconds = String(Math.round(performance.now() - began));
  document.body.dataset.opened ??= String(Math.round(performance.now())); // since the page was asked for
  grid.fill();
}

async function showCard() {
  const model = chosenModel();
  const card = await readCard(model).catch(() => null);
  if (card !== null && model === chosenModel()) element("card-words").replaceChildren(describe(card));
}

function changed({ target }) {
  if (target === modelField) {
    offerClasses();
    detail.forget();
    showCard();
  }
  writeAddress();
  clearTimeout(waiting);
  waiting = setTimeout(draw, target === seedField || target === truncationField ? 200 : 0);
}

const WORDS = "amber birch cedar dune ember fern glade harbor iris jade kelp lark moss north opal pine quartz reed sage tide umber vale willow yarrow zephyr".split(" ");

function surprise() {
  const word = () => WORDS[Math.floor(Math.random() * WORDS.length)];
  seedField.value = `${word()} ${word()}`;
  changed({ target: null });
}

element("controls").addEventListener("submit", (event) => event.preventDefault());
element("controls").addEventListener("input", changed);
element("surprise").addEventListener("click", surprise);
addEventListener("keydown", (event) => {
  if (event.key !== "/" || element("detail").open || event.target.matches("input, select")) return;
  event.preventDefault();
  seedField.select();
});
addEventListener("hashchange", () => {
  readAddress();
  draw();
});

try {
  models = await listModels();
  modelField.replaceChildren(...models.map((model) => new Option(model.name, model.name)));
  element("model-field").hidden = models.length === 1;
  const index = readAddress();
  showCard();
  await draw();
  if (index !== null && view.model.kind !== "vectors") detail.open(view, index);
} catch (error) {
  grid.failed(error);
}

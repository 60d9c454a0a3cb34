// One sample, opened: its address, the code that makes it again, and a walk to another one.

import { curlCode, javascriptCode, pythonCode } from "./code.js";
import { permanent, picture, told } from "./source.js";
import { paint, STEPS, walk } from "./walk.js";

const element = (id) => document.getElementById(id);
const LANGUAGES = ["python", "javascript", "curl"];

export class Detail {
  #view = null;
  #index = 0;
  #language = "python";
  #from = null;
  #frames = null;
  #timer = 0;

  constructor() {
    element("close").addEventListener("click", () => element("detail").close());
    element("previous").addEventListener("click", () => this.#move(-1));
    element("next").addEventListener("click", () => this.#move(1));
    element("copy").addEventListener("click", () => this.#copy());
    element("walk").addEventListener("click", () => this.#walk());
    element("place").addEventListener("input", () => this.#show(Number(element("place").value)));
    element("play").addEventListener("click", () => this.#play());
    element("detail").addEventListener("close", () => this.#closed());
    element("detail").addEventListener("keydown", (event) => {
      if (event.target.matches("input, [role=tab]")) return;
      if (event.key === "ArrowLeft") this.#move(-1);
      if (event.key === "ArrowRight") this.#move(1);
    });
    for (const [place, language] of LANGUAGES.entries()) {
      const tab = element(`tab-${language}`);
      tab.addEventListener("click", () => this.#choose(language));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step === undefined) return;
        const shown = LANGUAGES.filter((each) => !element(`tab-${each}`).hidden);
        this.#choose(shown[(place + step + shown.length) % shown.length]);
        element(`tab-${this.#language}`).focus();
      });
    }
  }

  /** Forget a walk that was begun: its model is no longer shown. */
  forget() {
    this.#from = null;
  }

  async open(view, index) {
    this.#view = view;
    this.#index = index;
    this.#endWalk();
    const { model, seed } = view;
    const scale = Math.max(1, Math.min(32, Math.floor(448 / Math.max(...model.picture_size))));
    const url = permanent(view, index);
    element("large").alt = `Sample ${index} of seed ${seed}`;
    element("detail-title").textContent = `Sample ${index}`;
    if (url !== null) element("address").href = element("address").textContent = url;
    element("address-row").hidden = element("copy").hidden = element("tab-curl").hidden = url === null;
    element("where").textContent = `seed ${seed}, index ${index}`;
    element("download").download = `${model.name}-${index}.png`;
    element("previous").disabled = index === 0;
    element("walk").textContent = this.#from === null ? "Walk from here" : "Walk to here";
    element("walk-help").textContent = this.#from === null ? "" : `A walk begins at sample ${this.#from.index}.`;
    this.#code();
    if (!element("detail").open) element("detail").showModal();
    const still = () => this.#index === index && this.#view === view;
    const put = async (id, field, source) => {
      const value = await source;
      if (still()) element(id)[field] = value;
    };
    put("large", "src", picture(view, index, scale)).catch(() => {}); // its text stands there
    put("download", "href", picture(view, index, 1)).catch(() => {});
    const known = await told(view, index).catch(() => null);
    if (known === null || !still()) return;
    const { label } = known;
    const name = label === undefined ? "" : (model.class_names[model.class_numbers.indexOf(label)] ?? String(label));
    const word = known.seed === seed ? "" : ` (the number ${known.seed})`;
    element("where").textContent = `seed ${seed}${word}, index ${index}${name && `, class ${name}`}`;
  }

  #move(step) {
    if (this.#index + step >= 0) this.open(this.#view, this.#index + step);
  }

  async #copy() {
    const text = element("address").href;
    try {
      await navigator.clipboard.writeText(text);
      element("copy").textContent = "Copied";
      setTimeout(() => (element("copy").textContent = "Copy address"), 1500);
    } catch {
      getSelection().selectAllChildren(element("address")); // no clipboard outside secure contexts
    }
  }

  #choose(language) {
    this.#language = language;
    for (const other of LANGUAGES) {
      element(`tab-${other}`).setAttribute("aria-selected", String(other === language));
      element(`tab-${other}`).tabIndex = other === language ? 0 : -1;
    }
    element("code").setAttribute("aria-labelledby", `tab-${language}`);
    this.#code();
  }

  #code() {
    const { model, seed, options } = this.#view;
    const index = this.#index;
    const made = {
      python: () => pythonCode(model, seed, index, options),
      javascript: () => javascriptCode(model, seed, index, options),
      curl: () => curlCode(element("address").href, "png"),
    };
    element("code").textContent = made[this.#language]();
  }

  async #walk() {
    const here = { view: this.#view, index: this.#index };
    if (this.#from === null) {
      this.#from = here;
      element("detail").close();
      element("status").textContent = `A walk begins at sample ${here.index}: open the sample to walk to.`;
      return;
    }
    const from = this.#from;
    this.#from = null;
    element("walk").textContent = "Walk from here";
    element("walk-help").textContent = `From sample ${from.index} to sample ${here.index}`;
    try {
      this.#frames = await walk(this.#view.model, from, here);
    } catch (error) {
      element("walk-help").textContent = error.message;
      return;
    }
    element("large").hidden = true;
    element("frame").hidden = false;
    element("walk-controls").hidden = false;
    element("place").value = "0";
    this.#show(0);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.#play();
  }

  #show(step) {
    if (this.#frames !== null) paint(element("frame"), this.#frames, step);
  }

  #play() {
    clearInterval(this.#timer);
    let step = Number(element("place").value) % STEPS;
    this.#timer = setInterval(() => {
      element("place").value = String(++step);
      this.#show(step);
      if (step >= STEPS) clearInterval(this.#timer);
    }, 90);
  }

  #endWalk() {
    clearInterval(this.#timer);
    this.#frames = null;
    element("large").hidden = false;
    element("frame").hidden = true;
    element("walk-controls").hidden = true;
  }

  #closed() {
    this.#endWalk();
    document.querySelector(`#grid button[data-index="${this.#index}"]`)?.focus();
  }
}

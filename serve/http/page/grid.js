// The endless grid of samples, and the rows of a model of vectors.

import * as source from "./source.js";

const PAGE = 48;
const TURNS = 4;
const element = (id) => document.getElementById(id);

export class Grid {
  #view = null;
  #next = 0;
  #busy = false;

  /** @param {(index: number) => void} open called with the index of a sample that was chosen */
  constructor(open) {
    this.open = open;
    const watch = new IntersectionObserver(() => this.#more(), { rootMargin: "600px" });
    watch.observe(element("end"));
    addEventListener("scroll", () => this.#more(), { passive: true });
  }

  /** Begin anew with another model, seed, class or truncation. */
  show(view) {
    this.#view = view;
    this.#next = 0;
    this.#busy = false;
    element("grid").replaceChildren();
    element("rows").querySelector("tbody").replaceChildren();
    const vectors = view.model.kind === "vectors";
    element("grid").hidden = vectors;
    element("rows").hidden = !vectors;
    if (vectors) this.#head();
    return this.#page();
  }

  /** Add pages for as long as the end is in sight. */
  async #more() {
    const view = this.#view;
    while (view !== null && view === this.#view && !this.#busy && this.#ends()) await this.#page();
  }

  #ends() {
    return document.body.dataset.state === "done" && element("end").getBoundingClientRect().top < innerHeight + 600;
  }

  async #page() {
    const view = this.#view;
    this.#busy = true;
    const first = this.#next;
    this.#next += PAGE;
    const made = view.model.kind === "vectors" ? this.#rows(view, first) : this.#pictures(view, first);
    await made.catch((error) => this.failed(error));
    if (view === this.#view) this.#busy = false;
  }

  /** Fill the screen, once the first page is there. */
  fill() {
    return this.#more();
  }

  failed(error) {
    document.body.dataset.state = "failed";
    element("status").textContent = error.message;
  }

  #pictures(view, first) {
    const loads = [];
    for (const [place, address] of source.pictures(view, first, PAGE).entries()) {
      const index = first + place;
      const [item, button, image] = ["li", "button", "img"].map((name) => document.createElement(name));
      image.alt = `Sample ${index}`;
      [image.height, image.width] = view.model.picture_size;
      button.type = "button";
      button.dataset.index = String(index);
      button.addEventListener("click", () => this.open(index));
      button.append(image);
      item.append(button);
      element("grid").append(item);
      loads.push(load(image, address, index));
    }
    return Promise.all(loads);
  }

  #head() {
    const row = document.createElement("tr");
    for (const name of ["", ...this.#view.model.columns]) {
      const cell = document.createElement("th");
      cell.textContent = name;
      row.append(cell);
    }
    element("rows").querySelector("thead").replaceChildren(row);
  }

  async #rows(view, first) {
    const rows = await source.table(view, first, first + PAGE - 1);
    if (view !== this.#view) return;
    rows.forEach((values, place) => {
      const row = document.createElement("tr");
      for (const value of [first + place, ...values]) {
        const cell = document.createElement("td");
        cell.textContent = String(value);
        row.append(cell);
      }
      element("rows").querySelector("tbody").append(row);
    });
  }
}

/** Load a picture; a service that is busy is asked again after a second, as it says. */
async function load(image, address, index) {
  for (let turn = 0; turn < TURNS; turn++) {
    if (turn > 0) await new Promise((done) => setTimeout(done, 1000));
    image.src = await address;
    try {
      return await image.decode();
    } catch {
      image.removeAttribute("src");
    }
  }
  throw new Error(`sample ${index} could not be loaded`);
}

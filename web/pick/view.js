// Pick's page in the node: the pictures of a generation, and what to say of them. It knows nothing of ComfyUI.
import { View } from "../explorer/view.js";
import { isAnswer } from "./picks.js";
import { say } from "./words.js";

export class PickView {
  // `act` is called with what the person did: like (with the number of a picture), go, none, skip.
  // `address` and `grows` are those of the Explorer's view, whose pictures this page shows.
  constructor({ act, address, grows }) {
    this.act = act;
    this.view = new View({ act: (what, value) => what === "like" && act(what, value), address, grows });
    this.element = this.view.element;
    this.element.classList.add("surrogate-pick");
    this.header = row();
    this.title = this.header.appendChild(text("title"));
    this.note = this.header.appendChild(text("note"));
    this.buttons = row("buttons");
    this.main = this.#button("go");
    this.main.classList.add("main");
    this.others = [this.#button("none"), this.#button("skip")];
    this.element.replaceChildren(this.header, this.view.grid, this.buttons);
    this.view.grid.addEventListener("keydown", (event) => this.#key(event), true);
  }

  // state: { cells, number, picks, ranking, waits, told, finished, problem }; cells[i] is { key, label, frames }.
  show(state) {
    this.state = state;
    const { cells, number, picks } = state;
    const session = { page: 0, pages: [{ n: cells.length, likes: picks.cells }] };
    this.view.show({ session, cells, count: cells.length });
    [...this.view.grid.children].forEach((cell, i) => this.#mark(cell, i));
    this.title.textContent = number ? say("generation", { number }) : "";
    this.note.textContent = this.#noteOf(state);
    this.note.title = this.note.textContent;
    const open = Boolean(cells.length) && !state.told;
    this.main.textContent = say(state.waits ? "continue" : "next");
    this.main.disabled = !open || !isAnswer(picks);
    for (const other of this.others) other.disabled = !open;
  }

  hide() {
    this.view.hide();
  }

  #mark(cell, i) {
    const place = this.state.picks.cells.indexOf(i);
    if (this.state.ranking && place >= 0) cell.querySelector(".heart").textContent = place + 1;
    const name = say(this.state.cells[i]?.sound ? "sound" : "image", { number: i + 1 });
    cell.querySelector("img").alt = name;
    cell.setAttribute("aria-label", name);
  }

  #noteOf({ cells, picks, ranking, waits, told, finished, problem }) {
    if (problem) return problem;
    if (finished) return say("finished");
    if (!cells.length) return say("empty");
    if (told) return say(told);
    if (picks.do === "none" || picks.do === "skip") return say(`${picks.do}_chosen`);
    if (picks.cells.length) return say("liked", { count: picks.cells.length });
    return say(`${waits ? "wait" : "run"}_${ranking ? "ranking" : "likes"}`);
  }

  #button(act) {
    const made = document.createElement("button");
    made.type = "button";
    made.dataset.act = act;
    if (act !== "go") made.textContent = say(act);
    made.title = say(`${act}_tip`);
    made.addEventListener("click", () => this.act(act));
    return this.buttons.appendChild(made);
  }

  // Before the Explorer's view sees it: there Enter asks for neighbours.
  #key(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.main.disabled) this.act("go");
  }
}

function row(name = "") {
  const element = document.createElement("div");
  element.className = `row ${name}`.trim();
  return element;
}

function text(name) {
  const element = document.createElement("span");
  element.className = name;
  return element;
}

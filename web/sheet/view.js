// The sheet in the node: its picture, and a button over each cell. It knows nothing of the graph.
import { Fold, make } from "../fold.js";
import { next, place } from "./cells.js";
import { closeMenu } from "./menu.js";
import { say } from "./words.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class View {
  // menu(cell, button): show what can be done with it; select(cell); opened(): the sheet was shown or hidden;
  // grows(): whether the sheet may be as high as it likes (Nodes 2.0); look(): the person is here.
  constructor(does) {
    this.does = does;
    this.focused = 0;
    this.fold = new Fold("surrogate-sheet", () => does.opened());
    this.element = this.fold.element;
    this.area = this.fold.area;
    this.sheet = this.area.appendChild(make("div", "sheet"));
    this.image = this.sheet.appendChild(make("img"));
    this.image.draggable = false;
    this.image.addEventListener("error", () => this.#gone());
    this.cells = this.sheet.appendChild(make("div", "cells"));
    this.cells.addEventListener("keydown", (event) => this.#key(event));
    this.observer = new ResizeObserver(() => this.#arrange());
    this.observer.observe(this.area);
    for (const name of ["pointerenter", "focusin"]) this.element.addEventListener(name, () => does.look());
  }

  // shown: { size, boxes, labels, count } or undefined; address: of its picture.
  show({ shown, address, open }) {
    if (shown !== this.shown) this.#build(shown);
    this.shown = shown;
    this.open = open;
    if (shown && address !== this.image.getAttribute("src")) this.image.src = address;
    if (!shown) this.image.removeAttribute("src");
    this.fold.open = open;
    this.#arrange();
    this.mark([]);
  }

  // Which cells are selected.
  mark(selected) {
    [...this.cells.children].forEach((cell, i) => {
      cell.classList.toggle("selected", selected.includes(i));
      cell.setAttribute("aria-pressed", String(selected.includes(i)));
    });
    this.fold.note = this.#note(selected.length);
  }

  remove() {
    closeMenu();
    this.observer.disconnect();
  }

  #note(selected) {
    const { shown, open } = this;
    if (!shown) return say("empty");
    if (!open) return say("closed", { count: shown.count });
    if (this.lost) return say("gone");
    if (!shown.boxes.length) return say("many", { count: shown.count });
    return selected ? say("selected", { count: selected }) : say("hint");
  }

  #build(shown) {
    closeMenu();
    this.focused = 0;
    this.lost = false;
    this.cells.replaceChildren(...(shown?.boxes ?? []).map((box, i) => this.#cell(i, box, shown)));
  }

  #cell(i, box, { size, labels }) {
    const cell = make("button", "cell");
    cell.type = "button";
    cell.tabIndex = i ? -1 : 0;
    cell.title = labels[i] ?? "";
    cell.setAttribute("aria-label", say("cell", { number: i + 1, label: labels[i] ?? "" }));
    cell.setAttribute("aria-haspopup", "menu");
    Object.assign(cell.style, place(box, size));
    cell.addEventListener("focus", () => this.#focused(i));
    cell.addEventListener("click", (event) =>
      event.ctrlKey || event.metaKey || event.shiftKey ? this.does.select(i) : this.does.menu(i, cell)
    );
    return cell;
  }

  #focused(i) {
    this.cells.children[this.focused].tabIndex = -1;
    this.focused = i;
    this.cells.children[i].tabIndex = 0;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // ComfyUI's own keys
    const i = this.focused;
    if (ARROWS[event.key]) this.cells.children[next(this.shown.boxes, i, ARROWS[event.key])].focus({ preventScroll: true });
    else if (event.key === " ") this.does.select(i);
    else if (event.key === "Enter") this.does.menu(i, this.cells.children[i]);
    else return;
    event.preventDefault(); // a button would click
    event.stopPropagation();
  }

  #gone() {
    this.lost = true;
    this.image.removeAttribute("src");
    this.mark([]);
  }

  // As large as fits, in its shape.
  #arrange() {
    if (!this.shown || !this.open) return;
    const [wide, high] = this.shown.size;
    const { clientWidth: width } = this.area;
    this.area.style.minHeight = this.does.grows() ? `${(width * high) / wide}px` : "";
    const scale = Math.min(width / wide, this.area.clientHeight / high);
    Object.assign(this.sheet.style, { width: `${wide * scale}px`, height: `${high * scale}px` });
  }
}

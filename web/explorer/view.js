// The page in the node: pictures to like, and what to do next. It knows nothing of ComfyUI.
import * as player from "./player.js";
import { liked, likesOf } from "./session.js";
import { say } from "./words.js";

const GAP = 4; // pixels between pictures
const HOVER = 700; // milliseconds until a picture is shown large
const shown = new Set(); // the views that show something

// A picture that could not be loaded is blank. Load it again: the server that was away is there.
export function reload() {
  for (const view of shown) view.reload();
}

export class View {
  // `act` is called with what the person did: like, near, more, new, mix, surprise, none, finish, go, turn, run.
  // `address(key, part)` is where a picture is: a small copy, or its part "whole", "moving" or "sound"; `grows()` whether the page may be as high as it likes (Nodes 2.0).
  constructor({ act, address, grows }) {
    this.act = act;
    this.grows = grows;
    this.address = address;
    this.focused = 0;
    this.element = make("div", "surrogate-explorer");
    this.header = this.element.appendChild(make("div", "row"));
    this.grid = this.element.appendChild(make("div", "grid"));
    this.grid.setAttribute("role", "grid");
    this.footer = this.element.appendChild(make("div", "row"));
    this.buttons = this.element.appendChild(make("div", "row buttons"));
    this.#makeHeader();
    this.#makeFooter();
    this.grid.addEventListener("keydown", (event) => this.#key(event));
    this.aspect = 1; // of a picture
    new ResizeObserver(() => this.#arrange()).observe(this.grid);
    // Nodes 2.0 would drag the node, and the canvas would zoom.
    for (const name of ["pointerdown", "wheel", "dblclick"]) {
      this.element.addEventListener(name, (event) => event.stopPropagation());
    }
  }

  // state: { session, cells, count, next: pictures on a new page, steps, draft, saved, turn, run }; cells[i] is undefined or
  // { key, label, fault, frames, width, height, sound }.
  show(state) {
    const before = this.state;
    if (before && before.session.page !== state.session.page) this.hide();
    this.state = state;
    shown.add(this);
    const { session } = state;
    const pages = session.pages.length;
    this.title.textContent = pages ? say("page", { page: session.page + 1, pages }) : "";
    this.back.disabled = session.page < 1;
    this.forward.disabled = session.page >= pages - 1;
    this.run.checked = state.run;
    this.turn.value = state.turn;
    this.note.textContent = this.#noteOf(state);
    this.note.classList.toggle("draft", Boolean(state.draft));
    if (before?.session.page !== session.page) this.focused = 0;
    this.#showCells(state);
    this.#showButtons(state);
  }

  hideLarge() {
    clearTimeout(this.timer);
    this.large?.remove();
    this.large = undefined;
  }

  hide() {
    shown.delete(this);
    this.hideLarge();
    if (this.state?.cells.some((picture) => picture && player.progress(picture.key) !== undefined)) player.stop();
  }

  #noteOf({ session, cells, count, next, draft, steps, saved }) {
    if (session.pages.length && !saved && next !== undefined && next !== count) return say("from_next", { count: next });
    if (!cells.some(Boolean)) return say(session.pages.length ? "waiting" : "empty");
    if (saved) return say("finished");
    const parts = [];
    if (draft) parts.push(say("draft", { steps: draft, all: steps }));
    const many = liked(session).length;
    parts.push(many ? say("liked", { count: many }) : say("none_liked"));
    return parts.join(" · ");
  }

  #makeHeader() {
    this.back = button("◀", "back", () => this.act("go", this.state.session.page - 1));
    this.title = make("span", "title");
    this.forward = button("▶", "forward", () => this.act("go", this.state.session.page + 1));
    this.note = make("span", "note");
    const label = make("label", "run");
    this.run = label.appendChild(make("input"));
    this.run.type = "checkbox";
    this.run.addEventListener("change", () => this.act("run", this.run.checked));
    label.append(say("run"));
    label.title = say("run_tip");
    this.header.append(this.back, this.title, this.forward, this.note, label);
  }

  #makeFooter() {
    this.turn = make("input");
    Object.assign(this.turn, { type: "range", min: 0, max: 100, step: 5, title: say("turn_tip") });
    this.turn.setAttribute("aria-label", say("turn_tip"));
    this.turn.addEventListener("input", () => this.act("turn", Number(this.turn.value)));
    this.footer.append(say("closer"), this.turn, say("farther"));
    this.main = button("", "", () => this.act(this.main.dataset.act));
    this.main.classList.add("main");
    const more = ["mix", "surprise", "none", "finish"].map((act) => {
      const made = button(say(act), `${act}_tip`, () => this.act(act));
      made.dataset.act = act;
      return made;
    });
    this.buttons.append(this.main, ...more);
  }

  #showButtons({ session, cells }) {
    const count = liked(session).length;
    this.main.dataset.act = count ? "more" : "new";
    this.main.textContent = say(this.main.dataset.act);
    for (const made of this.buttons.children) {
      if (made === this.main) continue;
      made.disabled = made.dataset.act === "none" ? !cells.some(Boolean) : !count;
      if (made.dataset.act === "finish") made.textContent = say("finish", { count: count || "" }).trim();
    }
  }

  #showCells(state) {
    const { count } = state;
    const { width, height } = state.cells.find((picture) => picture?.width) ?? {};
    if (width) this.aspect = width / height; // before a picture is loaded: nothing moves when it is
    while (this.grid.childElementCount > count) this.grid.lastElementChild.remove();
    while (this.grid.childElementCount < count) this.grid.append(this.#cell(this.grid.childElementCount));
    const likes = likesOf(state.session);
    [...this.grid.children].forEach((cell, i) => this.#showCell(cell, i, state.cells[i], likes.includes(i)));
    this.#arrange();
  }

  // As many columns as make the pictures largest, with cells of their shape.
  #arrange() {
    const { clientWidth: width, childElementCount: count } = this.grid;
    const square = Math.ceil(Math.sqrt(count));
    this.grid.style.minHeight = this.grows() ? `${((width / this.aspect) * Math.ceil(count / square)) / square}px` : "";
    const height = this.grid.clientHeight;
    if (!count || !width || !height) return;
    let best = { side: 0 };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const side = Math.min((width - GAP * (columns - 1)) / columns, this.aspect * ((height - GAP * (rows - 1)) / rows));
      if (side > best.side) best = { side, columns };
    }
    this.columns = best.columns;
    this.grid.style.gridTemplateColumns = `repeat(${best.columns}, ${best.side}px)`;
    this.grid.style.gridAutoRows = `${best.side / this.aspect}px`;
  }

  #loaded(image) {
    const aspect = image.naturalWidth / image.naturalHeight;
    if (!aspect || aspect === this.aspect) return;
    this.aspect = aspect;
    this.#arrange();
  }

  #cell(i) {
    const cell = make("div", "cell");
    cell.setAttribute("role", "gridcell");
    const play = button("▶", "play", () => this.#play(i));
    play.className = "play";
    play.tabIndex = -1; // the key P does it
    for (const name of ["click", "dblclick"]) play.addEventListener(name, (event) => event.stopPropagation());
    cell.append(make("img"), make("span", "heart"), make("span", "fault"), play, make("span", "at"));
    const [image] = cell.children;
    image.draggable = false;
    image.addEventListener("load", () => this.#loaded(image));
    image.addEventListener("error", () => image.removeAttribute("src")); // not kept any more
    cell.addEventListener("click", () => this.#has(i) && this.act("like", i));
    cell.addEventListener("dblclick", () => this.#has(i) && this.act("near", i));
    cell.addEventListener("pointerenter", () => this.#soonLarge(i));
    cell.addEventListener("pointerleave", () => this.hideLarge());
    cell.addEventListener("focus", () => (this.focused = i));
    for (const name of ["pointerenter", "pointerleave", "focus", "blur"]) {
      cell.addEventListener(name, () => this.#showPicture(i));
    }
    return cell;
  }

  #showCell(cell, i, picture, isLiked) {
    const [image, heart, fault, play] = cell.children;
    this.#showPicture(i);
    image.alt = say(picture?.sound ? "sound" : "picture", { number: i + 1 });
    heart.textContent = isLiked ? "♥" : "";
    fault.textContent = picture?.fault ? say("failed") : "";
    play.hidden = !picture?.sound || Boolean(picture.fault);
    this.#showPlaying(i);
    cell.title = picture?.fault || "";
    cell.tabIndex = i === this.focused ? 0 : -1;
    cell.classList.toggle("liked", isLiked);
    cell.classList.toggle("empty", !this.#has(i));
    cell.setAttribute("aria-selected", String(isLiked));
    cell.setAttribute("aria-label", image.alt);
  }

  reload() {
    [...this.grid.children].forEach((_, i) => this.#showPicture(i));
  }

  // A clip moves while one points at it or has the focus on it.
  #showPicture(i) {
    const cell = this.grid.children[i];
    const image = cell.firstChild;
    if (!this.#has(i)) return image.removeAttribute("src");
    const { key, frames } = this.state.cells[i];
    const moves = frames > 1 && (cell.matches(":hover") || cell === document.activeElement);
    const source = this.address(key, moves ? "moving" : undefined);
    if (image.getAttribute("src") !== source) image.src = source;
  }

  #play(i) {
    const { key, sound } = this.state.cells[i] ?? {};
    if (sound && this.#has(i)) player.toggle(key, this.address(key, "sound"), () => this.#showPlaying(i));
  }

  #showPlaying(i) {
    const [, , , play, at] = this.grid.children[i]?.children ?? [];
    if (!play) return;
    const part = player.progress(this.state.cells[i]?.key);
    play.textContent = play.hidden ? "" : part === undefined ? "▶" : "❚❚";
    at.hidden = part === undefined;
    at.style.left = `${100 * (part ?? 0)}%`;
  }

  #has(i) {
    const picture = this.state.cells[i];
    return Boolean(picture && !picture.fault);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // ComfyUI's own keys
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    const i = this.focused;
    if (step !== undefined) this.#focus(i + step);
    else if (event.key === " ") this.#has(i) && this.act("like", i);
    else if (event.key === "Enter") this.#has(i) && this.act("near", i);
    else if (event.key === "v" || event.key === "V") this.large ? this.hideLarge() : this.#showLarge(i);
    else if (event.key === "p" || event.key === "P") this.#play(i);
    else if (event.key === "Escape" && this.large) this.hideLarge();
    else return;
    event.preventDefault(); // a button would click
    event.stopPropagation();
  }

  #focus(i) {
    if (i < 0 || i >= this.grid.childElementCount) return;
    this.grid.children[this.focused].tabIndex = -1;
    this.focused = i;
    this.grid.children[i].tabIndex = 0;
    this.grid.children[i].focus({ preventScroll: true });
    if (this.large) this.#showLarge(i);
  }

  #soonLarge(i) {
    this.hideLarge();
    const { sound, frames } = this.state.cells[i] ?? {};
    if (sound && !(frames > 1)) return; // a waveform: there is nothing more to see
    this.timer = setTimeout(() => this.element.isConnected && this.#showLarge(i), HOVER);
  }

  #showLarge(i) {
    this.hideLarge();
    if (!this.#has(i)) return;
    this.large = document.body.appendChild(make("img", "surrogate-explorer-large"));
    this.large.src = this.address(this.state.cells[i].key, "whole");
    const { left, right } = this.grid.children[i].getBoundingClientRect();
    this.large.style[left > innerWidth - right ? "left" : "right"] = "16px"; // on the side with more room
  }
}

function make(kind, name = "") {
  const element = document.createElement(kind);
  element.className = name;
  return element;
}

function button(text, tip, click) {
  const made = make("button");
  made.type = "button";
  made.textContent = text;
  if (tip) made.title = say(tip);
  if (text.length === 1) made.setAttribute("aria-label", made.title); // an arrow says nothing
  made.addEventListener("click", click);
  return made;
}

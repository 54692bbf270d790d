// The board: cards with pictures. It knows nothing of ComfyUI.
import * as player from "../explorer/player.js";
import { make } from "../fold.js";
import { say } from "./words.js";

export const KIND = "application/x-surrogate-card"; // of what is dragged

export class View {
  // use(card), menu(card, button), star(card), remove(card), filter(starred only); address(card) of its picture, and with
  // "sound" of its sound.
  constructor(does) {
    Object.assign(this, { does, cards: [], focused: undefined });
    this.element = make("div", "surrogate-board");
    this.bar = this.element.appendChild(make("div", "bar"));
    this.hint = this.bar.appendChild(make("span", "hint"));
    this.filter = this.bar.appendChild(this.#filter());
    this.grid = this.element.appendChild(make("div", "grid"));
    this.grid.setAttribute("role", "listbox");
    this.grid.addEventListener("keydown", (event) => this.#key(event));
  }

  // cards: the ones to show; all: how many there are; starred: whether only those with a star are shown; problem: a sentence.
  show({ cards, all, starred, problem }) {
    const place = Math.max(0, this.cards.findIndex(({ key }) => key === this.focused));
    this.cards = cards;
    // Where a card was deleted, the next one has the focus.
    if (!cards.some(({ key }) => key === this.focused)) this.focused = cards[Math.min(place, cards.length - 1)]?.key;
    this.#showCards(cards);
    this.filter.hidden = !all;
    this.filter.firstChild.checked = starred;
    this.hint.textContent = problem ?? say(cards.length ? "hint" : all ? "no_stars" : "empty");
    this.hint.classList.toggle("alone", !cards.length);
  }

  // News of the same cards leaves them alone: a menu may be open on one, or the mouse be about to click.
  #showCards(cards) {
    const now = JSON.stringify(cards);
    if (now === this.shown) return;
    this.shown = now;
    const had = this.grid.contains(document.activeElement);
    this.grid.replaceChildren(...cards.map((card) => this.#card(card)));
    if (had) this.#of(this.focused)?.focus({ preventScroll: true });
  }

  #filter() {
    const label = make("label", "filter");
    const box = label.appendChild(make("input"));
    box.type = "checkbox";
    box.addEventListener("change", () => this.does.filter(box.checked));
    label.append(`★ ${say("starred")}`);
    return label;
  }

  #card(card) {
    const element = make("div", "card");
    Object.assign(element, { draggable: true, tabIndex: card.key === this.focused ? 0 : -1, title: `${card.label}\n${say("card_tip")}` });
    element.dataset.key = card.key;
    element.setAttribute("role", "option");
    element.setAttribute("aria-label", say(card.sound ? "sound" : "card", { label: card.label, source: card.source }));
    element.setAttribute("aria-selected", String(card.starred));
    const image = element.appendChild(make("img"));
    Object.assign(image, { src: this.does.address(card), alt: "", draggable: false, loading: "lazy" });
    element.appendChild(make("span", "label")).textContent = card.label;
    element.append(this.#button("star", card.starred ? "★" : "☆", card), this.#button("remove", "✕", card));
    if (card.sound) element.append(this.#button("play", "", card));
    element.querySelector(".star").setAttribute("aria-pressed", String(card.starred));
    element.addEventListener("click", () => this.does.use(card));
    element.addEventListener("contextmenu", (event) => (event.preventDefault(), this.does.menu(card, element)));
    element.addEventListener("focus", () => this.#focus(card.key));
    element.addEventListener("dragstart", (event) => drag(event, card));
    this.#showPlaying(card, element);
    return element;
  }

  // Play its sound, or stop it.
  play(card) {
    if (card.sound) player.toggle(card.key, this.does.address(card, "sound"), () => this.#showPlaying(card, this.#of(card.key)));
  }

  #showPlaying(card, element) {
    const button = element?.querySelector(".play");
    if (button) button.textContent = player.progress(card.key) === undefined ? "▶" : "❚❚";
  }

  #button(act, text, card) {
    const button = make("button", act);
    Object.assign(button, { type: "button", textContent: text, tabIndex: -1, title: say(`${act}${card.starred && act === "star" ? "_off" : ""}_tip`) });
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", (event) => (event.stopPropagation(), act === "play" ? this.play(card) : this.does[act](card)));
    return button;
  }

  #of(key) {
    return this.grid.querySelector(`[data-key="${key}"]`);
  }

  #focus(key) {
    this.#of(this.focused)?.setAttribute("tabindex", "-1");
    this.focused = key;
    this.#of(key)?.setAttribute("tabindex", "0");
  }

  #key(event) {
    const i = this.cards.findIndex(({ key }) => key === event.target.dataset.key);
    if (i < 0 || event.ctrlKey || event.metaKey || event.altKey) return; // ComfyUI's own keys
    const columns = getComputedStyle(this.grid).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step) this.grid.children[i + step]?.focus();
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) this.does.menu(this.cards[i], event.target);
    else if (event.key.toLowerCase() === "p") this.play(this.cards[i]);
    else if (KEYS[event.key.toLowerCase()]) this.does[KEYS[event.key.toLowerCase()]](this.cards[i], event.target);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

const KEYS = { enter: "use", " ": "use", s: "star", delete: "remove", backspace: "remove", m: "menu" };

function drag(event, card) {
  event.dataTransfer.effectAllowed = "copy";
  event.dataTransfer.setData(KIND, card.key);
  event.dataTransfer.setData("text/plain", card.text || card.weights);
}

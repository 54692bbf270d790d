// A slider for each seed, with a lock, or for each coordinate, without.
import { make } from "../fold.js";

export class Sliders {
  // moved(i, value from 0 to 1, done); locked(i): undefined where nothing can be locked.
  constructor({ moved, locked, lockTip }) {
    Object.assign(this, { moved, locked, lockTip });
    this.element = make("div", "sliders");
    this.element.addEventListener("keydown", (event) => event.stopPropagation()); // arrows move the slider, not the node
    this.element.addEventListener("wheel", (event) => event.stopPropagation());
  }

  // values from 0 to 1; names and texts: one for each; locks: which are locked.
  show(values, names, texts, locks) {
    while (this.element.childElementCount > values.length) this.element.lastChild.remove();
    while (this.element.childElementCount < values.length) this.element.append(this.#row(this.element.childElementCount));
    [...this.element.children].forEach((row, i) => {
      const [name, slider, text, lock] = row.children;
      name.textContent = name.title = names[i];
      slider.setAttribute("aria-label", names[i]);
      slider.setAttribute("aria-valuetext", texts[i]);
      slider.value = values[i];
      slider.disabled = Boolean(locks[i]);
      text.textContent = texts[i];
      if (!lock) return;
      lock.firstChild.className = `pi ${locks[i] ? "pi-lock" : "pi-lock-open"}`; // an icon of ComfyUI's page
      lock.setAttribute("aria-pressed", String(Boolean(locks[i])));
    });
  }

  #row(i) {
    const row = make("div", "row");
    const slider = make("input");
    Object.assign(slider, { type: "range", min: 0, max: 1, step: 0.005 });
    slider.addEventListener("input", () => this.moved(i, Number(slider.value), false));
    slider.addEventListener("change", () => this.moved(i, Number(slider.value), true));
    row.append(make("span", "name"), slider, make("span", "value"));
    if (this.locked) row.append(this.#lock(i));
    return row;
  }

  #lock(i) {
    const lock = make("button", "lock");
    lock.type = "button";
    lock.append(make("i"));
    lock.title = this.lockTip;
    lock.setAttribute("aria-label", this.lockTip);
    lock.addEventListener("click", () => this.locked(i));
    return lock;
  }
}

// A part of a node that a line above it shows and hides.

export const MARGIN = 4; // of the widget in the node, in pixels
export const BAR = 22 + 2 * MARGIN; // height of the widget while only the line is shown

export class Fold {
  constructor(name, toggled) {
    this.element = make("div", `surrogate-fold ${name}`);
    this.bar = this.element.appendChild(make("button", "bar"));
    this.bar.type = "button";
    this.bar.append(make("span", "arrow"), make("span", "note"));
    this.bar.addEventListener("click", toggled);
    this.area = this.element.appendChild(make("div", "area"));
    // Nodes 2.0 would drag the node, and both would open ComfyUI's own search on a double click.
    for (const event of ["pointerdown", "dblclick"]) this.element.addEventListener(event, (e) => e.stopPropagation());
  }

  set open(open) {
    this.bar.firstChild.textContent = open ? "▾" : "▸";
    this.bar.setAttribute("aria-expanded", String(open));
    this.area.hidden = !open;
  }

  set note(text) {
    this.bar.lastChild.textContent = text;
    this.bar.title = text; // a narrow node cuts it off
  }
}

// The node is as high as what it shows needs; it keeps its width unless that is below `least`.
export function resize(node, least = 0) {
  node.setSize([Math.max(node.size[0], least), node.computeSize()[1]]);
  node.graph?.setDirtyCanvas?.(true, true);
}

export function make(kind, name = "") {
  const element = document.createElement(kind);
  element.className = name;
  return element;
}

export function addStyle(address) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  document.head.append(link);
}

addStyle(new URL("./fold.css", import.meta.url).href);

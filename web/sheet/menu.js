// A small menu next to what was clicked: arrows move in it, Escape or a click elsewhere closes it.

let open; // there is one at a time

export function closeMenu() {
  open?.();
}

// entries: [{ name, text, tip, disabled }]; `chosen(name)` is called after the menu is closed.
export function showMenu(anchor, title, entries, chosen) {
  closeMenu();
  const menu = document.body.appendChild(document.createElement("div"));
  menu.className = "surrogate-menu";
  menu.setAttribute("role", "menu");
  menu.append(heading(title), ...entries.map((entry) => item(entry, () => (close(), chosen(entry.name)))));
  const elsewhere = (event) => menu.contains(event.target) || close();
  const close = () => {
    open = undefined;
    menu.remove();
    removeEventListener("pointerdown", elsewhere, true);
    removeEventListener("wheel", elsewhere, true);
    if (anchor.isConnected) anchor.focus({ preventScroll: true });
  };
  open = close;
  addEventListener("pointerdown", elsewhere, true);
  addEventListener("wheel", elsewhere, true); // the canvas moves or zooms
  menu.addEventListener("keydown", (event) => key(event, menu, close));
  put(menu, anchor.getBoundingClientRect());
  (menu.querySelector("button:not(:disabled)") ?? menu.querySelector("button"))?.focus({ preventScroll: true });
}

function heading(title) {
  const made = document.createElement("div");
  made.className = "title";
  made.textContent = title;
  return made;
}

function item({ name, text, tip, disabled }, click) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", textContent: text, title: tip ?? "", disabled: Boolean(disabled) });
  made.setAttribute("role", "menuitem");
  made.dataset.name = name;
  made.addEventListener("click", click);
  return made;
}

function key(event, menu, close) {
  const items = [...menu.querySelectorAll("button:not(:disabled)")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") close();
  else if (event.key !== "Enter" && event.key !== " ") return;
  event.stopPropagation(); // ComfyUI has keys of its own
  if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
}

// To the right of the cell, or where the window has room.
function put(menu, { left, right, top }) {
  const { width, height } = menu.getBoundingClientRect();
  const x = right + width + 8 <= innerWidth ? right + 4 : Math.max(4, left - width - 4);
  Object.assign(menu.style, { left: `${x}px`, top: `${Math.max(4, Math.min(top, innerHeight - height - 4))}px` });
}

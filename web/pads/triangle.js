// A triangle with a seed at each corner and a handle: what is near a corner is mostly that seed.
import { position, sharesAt } from "./mix.js";

const NS = "http://www.w3.org/2000/svg";
const [WIDE, HIGH, EDGE] = [200, 173, 22]; // of the triangle, and the room around it for the names
const STEP = 0.02;
const [LEAST, MOST] = [10, 32]; // side of a small picture
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Triangle {
  // moved(shares, done): `done` when the handle is let go.
  constructor(moved) {
    this.moved = moved;
    this.element = draw("svg", { viewBox: `0 0 ${WIDE + 2 * EDGE} ${HIGH + 2 * EDGE}`, class: "triangle", tabindex: 0, role: "application" });
    const corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(at); // prettier-ignore
    this.element.append(draw("polygon", { points: corners.join(" ") }));
    const below = HIGH + 2 * EDGE - 5;
    const places = [[WIDE / 2 + EDGE, EDGE - 8, "middle"], [2, below, "start"], [WIDE + 2 * EDGE - 2, below, "end"]]; // prettier-ignore
    this.pictures = this.element.appendChild(draw("g", { class: "pictures" }));
    this.names = places.map(([x, y, anchor]) => this.element.appendChild(draw("text", { x, y, "text-anchor": anchor })));
    this.handle = this.element.appendChild(draw("circle", { r: 8 }));
    this.element.addEventListener("pointerdown", (event) => this.#drag(event));
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  // seen: what was rendered, as `seenOf` gives it.
  show(parts, names, text, seen = []) {
    this.parts = parts;
    this.#showSeen(seen);
    const [x, y] = at(parts);
    this.handle.setAttribute("cx", x);
    this.handle.setAttribute("cy", y);
    this.names.forEach((element, i) => (element.textContent = `${names[i]} ${Math.round(100 * parts[i])}%`));
    this.element.setAttribute("aria-label", text);
  }

  #showSeen(seen) {
    const now = JSON.stringify(seen);
    if (now === this.seen) return;
    this.seen = now;
    const side = Math.max(LEAST, Math.min(MOST, 0.8 * Math.sqrt((WIDE * HIGH) / 2 / Math.max(seen.length, 1))));
    this.pictures.replaceChildren(...seen.map((one) => this.#picture(one, side)));
  }

  // A small copy of a picture where its point is, with the colour of its score around it; a click goes to that very point.
  #picture({ parts, label, score, picture: { address, size, box } }, side) {
    const [x, y] = at(parts).map((middle) => middle - side / 2);
    const made = draw("g", { class: "picture" });
    const [x0, y0, x1, y1] = box;
    const cut = { x, y, width: side, height: side, viewBox: [x0, y0, x1 - x0, y1 - y0].join(" "), preserveAspectRatio: "xMidYMid slice" };
    made.appendChild(draw("svg", cut)).append(draw("image", { href: address, width: size[0], height: size[1] }));
    made.append(draw("rect", { x, y, width: side, height: side, rx: 2, style: `stroke: ${score === undefined ? "#fff" : colour(score)}` }));
    made.appendChild(draw("title", {})).textContent = label;
    made.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.stopPropagation();
      this.element.focus({ preventScroll: true });
      this.moved(parts, true);
    });
    return made;
  }

  #drag(event) {
    if (event.button !== 0) return;
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    const to = (move, done) => this.moved(this.#sharesAt(move), done);
    const move = (moving) => to(moving, false);
    const up = (last) => {
      this.element.removeEventListener("pointermove", move);
      to(last, true);
    };
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("pointerup", up, { once: true });
    move(event);
    event.preventDefault();
  }

  #sharesAt({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.element.getScreenCTM().inverse());
    return sharesAt([(x - EDGE) / WIDE, (y - EDGE) / HIGH]);
  }

  #key(event) {
    if (!ARROWS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 5 * STEP : STEP;
    const [x, y] = position(this.parts);
    const [dx, dy] = ARROWS[event.key];
    this.moved(sharesAt([x + step * dx, y + step * dy]), true);
    event.preventDefault();
    event.stopPropagation();
  }
}

function at(parts) {
  const [x, y] = position(parts);
  return [EDGE + WIDE * x, EDGE + HIGH * y];
}

// Dark blue for the lowest score, through green, to yellow for the highest: told apart without red and green, too.
const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // prettier-ignore

function colour(score) {
  const place = score * (SCALE.length - 1);
  const i = Math.min(Math.floor(place), SCALE.length - 2);
  return `rgb(${SCALE[i].map((from, c) => Math.round(from + (place - i) * (SCALE[i + 1][c] - from))).join(",")})`;
}

function draw(kind, attributes) {
  const element = document.createElementNS(NS, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Pads of Surrogate Weights and Surrogate Point: a triangle for three seeds, sliders for more. They write the node's text.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { BAR, Fold, MARGIN, addStyle, make, resize } from "./fold.js";
import { isConnected, undoStep } from "./graph_edits.js";
import { nodeById } from "./graph_nodes.js";
import { coordinatesOfShares, knowsChart, shares, sharesOfCoordinates, weights, withShare } from "./pads/mix.js";
import { seenOf } from "./pads/seen.js";
import { Sliders } from "./pads/sliders.js";
import { countLines, numbersOf, withNumbers } from "./pads/text.js";
import { Triangle } from "./pads/triangle.js";
import { load, say } from "./pads/words.js";

const KINDS = { SurrogateWeights: "weights", SurrogatePoint: "coordinates" };
const [GAP, ROW, ROWS, TRIANGLE] = [6, 26, 10, 214]; // heights in pixels; so many rows, then they scroll
const WIDTH = 300;
const MOST = 64; // sliders

class Pad {
  constructor(node, input) {
    Object.assign(this, { node, input, line: 0 });
    this.fold = new Fold("surrogate-pad", () => this.opened());
    this.triangle = new Triangle((parts, done) => this.write(this.ofShares(parts), done));
    const locked = input === "weights" ? (i) => this.lock(i) : undefined;
    this.sliders = new Sliders({ moved: (i, value, done) => this.slide(i, value, done), locked, lockTip: say("lock") });
    this.lines = make("div", "lines");
    for (const [text, step] of [["◀", -1], ["▶", 1]]) this.lines.append(this.turner(text, step)); // prettier-ignore
    this.lines.insertBefore(make("span"), this.lines.lastChild);
    this.fold.area.append(this.lines, this.triangle.element, this.sliders.element);
    this.widget = node.addDOMWidget("surrogate_pad", "surrogatePad", this.fold.element, {
      serialize: false,
      getMinHeight: () => this.height(),
      hideOnZoom: false,
      margin: MARGIN,
    });
    this.widget.serialize = false; // else it has a place among the saved values
    this.fold.element.addEventListener("pointerenter", () => this.show());
    this.follow();
  }

  // What the node remembers: { open, told: { k, labels, chart }, locks: [true, …] }.
  get memory() {
    return (this.node.properties.surrogate_pad ??= { open: true });
  }

  get typed() {
    return this.node.widgets.find((widget) => widget.name === this.input);
  }

  // What is typed by hand is shown at once.
  follow() {
    const { typed } = this;
    const { callback } = typed;
    typed.callback = (...given) => {
      callback?.apply(typed, given);
      this.show();
    };
    (typed.element ?? typed.inputEl)?.addEventListener("input", () => this.show());
  }

  // The numbers of the chosen line, one for each seed or coordinate; undefined where the pad cannot know them.
  numbers() {
    if (isConnected(this.node, this.input)) return undefined;
    const text = String(this.typed.value);
    this.line = Math.max(0, Math.min(this.line, countLines(text) - 1));
    const numbers = numbersOf(text, this.line);
    if (!numbers || numbers.length > MOST) return undefined;
    const { told } = this.memory;
    // One coordinate means all of them.
    const all = told && this.input === "coordinates" && numbers.length === 1;
    return all ? Array(told.k - 1).fill(numbers[0]) : numbers;
  }

  // What the last run told of the space, unless the numbers are those of another one.
  told(numbers) {
    const { told } = this.memory;
    return told && told.k === numbers.length + (this.input === "coordinates") ? told : undefined;
  }

  shares(numbers) {
    return this.input === "weights" ? shares(numbers) : sharesOfCoordinates(numbers, this.memory.told.chart);
  }

  ofShares(parts) {
    return this.input === "weights" ? weights(parts, this.numbers()) : coordinatesOfShares(parts, this.memory.told.chart);
  }

  // A triangle is for three seeds whose chart the page knows; negative weights have no place in it.
  isTriangle(numbers) {
    if (this.input === "weights") return numbers?.length === 3 && numbers.every((number) => number >= 0);
    return numbers?.length === 2 && knowsChart(this.told(numbers)?.chart);
  }

  names(numbers) {
    if (this.input === "coordinates") return numbers.map((_, i) => say("coordinate", { number: i + 1 }));
    return this.seeds(numbers);
  }

  seeds(numbers, count = numbers.length) {
    const labels = this.told(numbers)?.labels ?? [];
    return Array.from({ length: count }, (_, i) => labels[i] ?? say("seed", { number: i + 1 }));
  }

  show() {
    const numbers = this.numbers();
    const triangle = this.isTriangle(numbers);
    this.fold.open = this.memory.open;
    this.fold.note = this.note(numbers, triangle);
    this.showLines();
    this.triangle.element.style.display = triangle ? "" : "none";
    this.sliders.element.hidden = triangle || !numbers;
    if (triangle) this.showTriangle(numbers);
    else if (numbers) this.showSliders(numbers);
    const height = this.height();
    if (this.shownHeight !== undefined && this.shownHeight !== height && this.node.graph) resize(this.node, WIDTH);
    this.shownHeight = height;
  }

  showTriangle(numbers) {
    const parts = this.shares(numbers);
    const names = this.seeds(numbers, 3);
    const text = parts.map((part, i) => `${names[i]} ${Math.round(100 * part)}%`).join(", ");
    this.triangle.show(parts, names, say("triangle", { text }), seenOf(this.node, 3));
  }

  showSliders(numbers) {
    const isShare = this.input === "weights";
    const values = isShare ? shares(numbers) : numbers;
    const texts = values.map((value) => (isShare ? `${(100 * value).toFixed(1)}%` : value.toFixed(3)));
    this.sliders.show(values, this.names(numbers), texts, (isShare && this.memory.locks) || []);
  }

  showLines() {
    const count = countLines(String(this.typed.value));
    this.lines.hidden = count < 2;
    this.lines.children[1].textContent = say("line", { number: this.line + 1, count });
  }

  note(numbers, triangle) {
    if (!numbers) return say("unreadable");
    if (!this.memory.open) return say("closed");
    if (triangle) return say("drag");
    return say(this.input === "weights" ? "slide" : "slide_coordinates");
  }

  height() {
    if (!this.memory.open) return BAR;
    const numbers = this.numbers();
    if (!numbers) return BAR;
    const lines = countLines(String(this.typed.value)) > 1 ? ROW : 0;
    return BAR + GAP + lines + (this.isTriangle(numbers) ? TRIANGLE : ROW * Math.min(numbers.length, ROWS));
  }

  slide(i, value, done) {
    const numbers = this.numbers();
    if (this.input === "coordinates") return this.write(numbers.map((number, j) => (j === i ? value : number)), done);
    return this.write(weights(withShare(shares(numbers), i, value, this.memory.locks), numbers), done);
  }

  lock(i) {
    const locks = [...(this.memory.locks ?? [])];
    locks[i] = !locks[i];
    this.memory.locks = locks;
    this.show();
    undoStep();
  }

  write(numbers, done) {
    const text = withNumbers(String(this.typed.value), this.line, numbers);
    this.typed.value = text;
    this.typed.callback?.(text);
    this.node.graph?.setDirtyCanvas?.(true, true);
    if (done) undoStep();
  }

  turner(text, step) {
    const button = make("button");
    Object.assign(button, { type: "button", textContent: text });
    button.setAttribute("aria-label", say(step > 0 ? "next" : "previous"));
    button.addEventListener("click", () => {
      this.line += step;
      this.show();
    });
    return button;
  }

  opened() {
    this.memory.open = !this.memory.open;
    this.show();
    undoStep();
  }

  executed(told) {
    if (told) this.memory.told = told;
    this.show();
  }
}

const pads = new Set(); // all in this window

app.registerExtension({
  name: "ComfyUI-Surrogate.Pads",
  async init() {
    addStyle(new URL("./pads/pads.css", import.meta.url).href);
    await load();
    // A sheet has other pictures now; its own script hears of it at the same time.
    api.addEventListener("executed", ({ detail }) => {
      if (detail?.output?.surrogate_sheet) setTimeout(() => pads.forEach((pad) => pad.node.graph && pad.show()));
    });
  },
  nodeCreated(node) {
    if (!KINDS[node.comfyClass]) return;
    const pad = (node.surrogatePad = new Pad(node, KINDS[node.comfyClass]));
    pads.add(pad);
    const { onExecuted, onConfigure, onConnectionsChange, onRemoved } = node;
    node.onRemoved = function () {
      pads.delete(pad);
      onRemoved?.apply(this, arguments);
    };
    node.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      pad.executed(output?.surrogate_pad?.[0]);
    };
    node.onConfigure = function (saved) {
      onConfigure?.apply(this, arguments);
      // Nodes of earlier workflows keep the size that they have there.
      if (!saved?.properties?.surrogate_pad) this.properties.surrogate_pad = { open: false };
      pad.shownHeight = undefined;
      pad.show();
    };
    node.onConnectionsChange = function () {
      onConnectionsChange?.apply(this, arguments);
      pad.show();
    };
    pad.show();
    resize(node, WIDTH);
  },
  // A workflow that is opened again has its results again.
  onNodeOutputsUpdated(outputs) {
    for (const [id, output] of Object.entries(outputs)) {
      if (output?.surrogate_pad) nodeById(id)?.surrogatePad?.executed(output.surrogate_pad[0]);
    }
  },
});

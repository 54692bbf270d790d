// Surrogate Contact Sheet: the sheet in the node, and what a click on one of its pictures does.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { explore, neighbours, select, selectedCells, useAsSeeds } from "./sheet/acts.js";
import { BAR, MARGIN, addStyle, resize } from "./fold.js";
import { sourceOf } from "./graph_edits.js";
import { nodeById } from "./graph_nodes.js";
import { tell, tryCopy } from "./notices.js";
import { showMenu } from "./sheet/menu.js";
import { load, say } from "./sheet/words.js";
import { View } from "./sheet/view.js";

const LEAST = 280; // height of the sheet with the line above it
const WIDTH = 340;

class Sheet {
  constructor(node) {
    this.node = node;
    this.view = new View({
      menu: (cell, button) => this.menu(cell, button),
      select: (cell) => this.act("select", cell),
      opened: () => this.opened(),
      look: () => this.mark(),
      grows: () => Boolean(globalThis.LiteGraph?.vueNodesMode),
    });
    this.widget = node.addDOMWidget("surrogate_sheet", "surrogateSheet", this.view.element, {
      serialize: false,
      getMinHeight: () => (this.memory.open ? LEAST : BAR),
      hideOnZoom: false,
      margin: MARGIN,
    });
    this.widget.serialize = false; // else it has a place among the saved values
  }

  // What the node remembers: { open, shown: what it was told of the last sheet }.
  get memory() {
    return (this.node.properties.surrogate_sheet ??= { open: true });
  }

  show() {
    const { shown, open } = this.memory;
    const address = shown && api.apiURL(`/view?${new URLSearchParams(shown.file)}`);
    this.view.show({ shown, address, open });
    this.mark();
  }

  mark() {
    const { shown } = this.memory;
    if (shown && this.node.graph) this.view.mark(selectedCells(this.node, shown.count));
  }

  executed(shown) {
    if (shown && shown.file.filename !== this.memory.shown?.file.filename) this.memory.shown = shown;
    this.show();
  }

  opened() {
    const memory = this.memory;
    memory.open = !memory.open;
    this.show();
    resize(this.node); // no wider: there is mostly something next to it
  }

  // A click on a selected picture is meant for all that are selected.
  chosen(cell) {
    const selected = selectedCells(this.node, this.memory.shown.count);
    return selected.includes(cell) ? selected : [cell];
  }

  weights(cells) {
    const known = cells.map((cell) => this.memory.shown.weights[cell]);
    return known.every(Boolean) ? known.join("\n") : "";
  }

  menu(cell, button) {
    const { shown } = this.memory;
    const selected = selectedCells(this.node, shown.count).includes(cell);
    const count = this.chosen(cell).length;
    const points = Boolean(sourceOf(this.node, "points"));
    const entry = (name, values = {}, needs = points) => ({
      name, text: say(name, values), tip: say(`${name}_tip`), disabled: !needs,
    }); // prettier-ignore
    const several = count > 1 ? "several_" : "";
    const title = points ? `${cell + 1}: ${shown.labels[cell] ?? ""}` : say("no_points");
    showMenu(button, title, [
      { ...entry(selected ? "unselect" : "select"), name: "select" },
      entry("neighbours"),
      { ...entry(`${several}seed`, { count }), name: "seed" },
      { ...entry(`${several}explore`, { count }), name: "explore" },
      { ...entry(`${several}board`, { count }, Boolean(shown.keepable)), name: "board" },
      { ...entry(`${several}copy`, { count }, Boolean(this.weights(this.chosen(cell)))), name: "copy" },
    ], (name) => this.act(name, cell)); // prettier-ignore
  }

  act(what, cell) {
    const { shown } = this.memory;
    if (what === "copy") return tryCopy(this.weights(this.chosen(cell)), say("copy_done"), say("copy_failed"));
    if (what === "board") return this.keep(this.chosen(cell));
    if (!sourceOf(this.node, "points")) return undefined;
    const cells = what === "select" || what === "neighbours" ? [cell] : this.chosen(cell);
    const text = this.weights(cells);
    const acts = { select: () => select(this.node, cell, shown.count), neighbours: () => neighbours(this.node, cell, text),
      seed: () => useAsSeeds(this.node, cells, text), explore: () => explore(this.node, cells, text) }; // prettier-ignore
    const made = acts[what]();
    this.mark();
    const ready = what === "neighbours" && made.isOutputConnected(0);
    if (what !== "select") tell("success", say(ready ? "neighbours_ready" : `${what}_done`, { node: made.title }));
    return made;
  }

  // On the board, where all workflows find it.
  async keep(cells) {
    const { file } = this.memory.shown;
    const workflow = String((app.rootGraph ?? app.graph).id ?? "");
    const headers = { "Content-Type": "application/json" };
    try {
      for (const cell of cells) {
        const body = JSON.stringify({ sheet: file.filename, cell, workflow });
        const answer = await api.fetchApi("/surrogate/board", { method: "POST", headers, body });
        if (!answer.ok) throw new Error((await answer.json()).error);
      }
      tell("success", say("board_done"));
    } catch (error) {
      tell("warn", say("board_failed"), error.message);
    }
  }
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Sheet",
  async init() {
    addStyle(new URL("./sheet/sheet.css", import.meta.url).href);
    await load();
  },
  nodeCreated(node) {
    if (node.comfyClass !== "SurrogateContactSheet") return;
    const sheet = (node.surrogateSheet = new Sheet(node));
    const { onExecuted, onRemoved, onConfigure } = node;
    node.setSize([Math.max(node.size[0], WIDTH), Math.max(node.size[1], node.computeSize()[1])]);
    node.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      sheet.executed(output?.surrogate_sheet?.[0]);
    };
    node.onConfigure = function (saved) {
      onConfigure?.apply(this, arguments);
      // Nodes of earlier workflows keep the size that they have there.
      if (!saved?.properties?.surrogate_sheet) this.properties.surrogate_sheet = { open: false };
      sheet.show();
    };
    node.onRemoved = function () {
      sheet.view.remove();
      onRemoved?.apply(this, arguments);
    };
    sheet.show();
  },
  // A workflow that is opened again has its results again.
  onNodeOutputsUpdated(outputs) {
    for (const [id, output] of Object.entries(outputs)) {
      if (output?.surrogate_sheet) nodeById(id)?.surrogateSheet?.executed(output.surrogate_sheet[0]);
    }
  },
});

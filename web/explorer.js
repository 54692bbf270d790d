// Surrogate Explorer: the page in the node, its session in an ordinary widget value, and Run.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { countOf, go, grow, likesOf, parse, toggle, write } from "./explorer/session.js";
import { reload, View } from "./explorer/view.js";
import { load } from "./explorer/words.js";
import { undoStep } from "./graph_edits.js";
import { nodeById } from "./graph_nodes.js";

const SIZE = [520, 860];
const LEAST = 340; // height of the page
const KEPT = 200; // pages whose pictures are remembered

function addStyle() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("./explorer/explorer.css", import.meta.url).href;
  document.head.append(link);
}

class Explorer {
  constructor(node, name) {
    this.node = node;
    this.session = parse("");
    this.view = new View({
      act: (what, value) => this.act(what, value),
      grows: () => Boolean(globalThis.LiteGraph?.vueNodesMode),
      address: (key, part) => api.apiURL(`/surrogate/explorer/${key}${part ? `?${part}` : ""}`),
    });
    this.widget = node.addDOMWidget(name, "SURROGATE_SESSION", this.view.element, {
      getValue: () => write(this.session),
      setValue: (text) => this.open(text),
      getMinHeight: () => LEAST,
      hideOnZoom: false,
    });
    // Run with liked pictures on a page that was seen means: show more like them.
    this.widget.beforeQueued = () => {
      if (likesOf(this.session).length && this.cells().some(Boolean)) this.act("more", undefined, false);
    };
    this.show();
  }

  // The page shows at once what is typed.
  follow() {
    for (const widget of this.node.widgets.filter(({ name }) => name === "pictures" || name === "seed")) {
      const { callback } = widget;
      widget.callback = (...given) => {
        callback?.apply(widget, given);
        this.show();
      };
    }
  }

  // What the node remembers beside the session: { pages: { number: { seed, draft, steps, cells } }, run, turn }.
  get memory() {
    return (this.node.properties.surrogate_explorer ??= { pages: {}, run: false, turn: 50 });
  }

  value(name) {
    return this.node.widgets?.find((widget) => widget.name === name)?.value;
  }

  // How many a new page has.
  get pictures() {
    return Number(this.value("pictures") ?? 9);
  }

  page() {
    const page = this.memory.pages[this.session.page];
    return page && page.seed === String(this.value("seed")) ? page : undefined;
  }

  cells() {
    return this.page()?.cells ?? [];
  }

  open(text) {
    this.session = parse(text);
    this.show();
  }

  show() {
    const page = this.page();
    this.view.show({
      session: this.session,
      cells: page?.cells ?? [],
      count: countOf(this.session, this.pictures),
      next: this.pictures,
      draft: page?.draft,
      steps: page?.steps,
      saved: this.session.pages[this.session.page]?.do === "finish" && Boolean(page),
      turn: this.memory.turn,
      run: this.memory.run,
    });
  }

  act(what, value, run = this.memory.run) {
    this.view.hideLarge();
    if (what === "run" || what === "turn") this.memory[what] = value;
    else if (what === "like") this.session = toggle(this.session, value);
    else if (what === "go") this.session = go(this.session, value);
    else {
      this.session = grow(this.session, what, this.pictures, { turn: this.memory.turn, at: value ?? 0 });
      if (run) app.queuePrompt(0);
    }
    this.show();
    this.node.graph?.setDirtyCanvas?.(true, true);
    undoStep();
  }

  // One picture of the page that is being rendered.
  arrived({ cell, node: _, ...picture }) {
    const page = this.page() ?? this.#remember(this.session.page, {});
    page.cells[cell] = picture;
    this.show();
  }

  executed({ session: text, cells, draft_steps: draft, steps }) {
    const session = parse(text);
    if (!this.session.pages.length) this.session = session;
    this.#remember(session.page, { draft, steps, cells });
    this.show();
  }

  #remember(number, page) {
    const { pages } = this.memory;
    for (const old of Object.keys(pages).slice(0, -KEPT)) delete pages[old];
    return (pages[number] = { cells: [], ...page, seed: String(this.value("seed")) });
  }

  removed() {
    this.view.hide();
  }
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Explorer",
  async init() {
    addStyle();
    await load();
    api.addEventListener("surrogate.explorer.picture", ({ detail }) => {
      nodeById(detail.node)?.surrogateExplorer?.arrived(detail);
    });
    api.addEventListener("reconnected", reload);
  },
  getCustomWidgets: () => ({
    SURROGATE_SESSION(node, name) {
      const explorer = (node.surrogateExplorer = new Explorer(node, name));
      return { widget: explorer.widget };
    },
  }),
  nodeCreated(node) {
    const explorer = node.surrogateExplorer;
    if (!explorer) return;
    explorer.follow();
    const { onExecuted, onRemoved, onConfigure } = node;
    node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);
    node.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      if (output?.surrogate_explorer) explorer.executed(output.surrogate_explorer[0]);
    };
    node.onConfigure = function () {
      onConfigure?.apply(this, arguments);
      explorer.show(); // properties come after the widgets' values
    };
    node.onRemoved = function () {
      explorer.removed();
      onRemoved?.apply(this, arguments);
    };
  },
});

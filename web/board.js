// The board: a tab of the sidebar with the seeds and points that people liked or kept, in all workflows.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { addAsNode, takes, textOf, useIn } from "./board/use.js";
import { KIND, View } from "./board/view.js";
import { load, say } from "./board/words.js";
import { stop } from "./explorer/player.js";
import { addStyle } from "./fold.js";
import { tell, tryCopy } from "./notices.js";
import { closeMenu, showMenu } from "./sheet/menu.js";

const ROUTE = "/surrogate/board";

class Board {
  constructor() {
    this.cards = [];
    this.starred = false;
    this.view = new View({
      use: (card) => this.tried(() => this.use(card)),
      menu: (card, element) => this.menu(card, element),
      star: (card) => this.tried(() => this.send(`/${card.key}`, "POST", { starred: !card.starred })),
      remove: (card) => this.tried(() => this.send(`/${card.key}`, "DELETE")),
      filter: (starred) => ((this.starred = starred), this.show()),
      // Another picture of the same card has another time in its address, or the browser shows the old one.
      address: ({ key, renewed }, part = "") => api.apiURL(`${ROUTE}/${key}?${[part, renewed].filter(Boolean).join("&")}`),
    });
  }

  // It is looked at in `element` from now on, or no more.
  open(element) {
    this.shown = Boolean(element);
    element?.append(this.view.element);
    if (element) this.look();
    else closeMenu(), stop();
  }

  async look() {
    if (!this.shown) return;
    try {
      const answer = await api.fetchApi(ROUTE);
      this.cards = (await answer.json()).cards;
      this.problem = undefined;
    } catch {
      this.problem = say("no_server");
    }
    this.show();
  }

  show() {
    const cards = this.starred ? this.cards.filter((card) => card.starred) : this.cards;
    this.view.show({ cards, all: this.cards.length, starred: this.starred, problem: this.problem });
  }

  async send(path, method, entry) {
    const body = entry && JSON.stringify(entry);
    const answer = await api.fetchApi(ROUTE + path, { method, headers: { "Content-Type": "application/json" }, body });
    if (!answer.ok && answer.status !== 404) throw new Error((await answer.json()).error);
    await this.look(); // a card that is gone is gone in another window
  }

  async tried(act) {
    try {
      await act();
    } catch (error) {
      tell("error", say("failed"), error.message);
    }
  }

  // In the node that is selected; where none takes it, its text is copied.
  async use(card) {
    const node = selected().find((one) => takes(one, card));
    if (node) return this.into(node, card);
    if (textOf(card)) return tryCopy(textOf(card), say("copied", { text: shortened(textOf(card)) }), say("copy_failed"));
    return tell("info", say("select_first"));
  }

  async into(node, card) {
    const input = await useIn(node, card);
    if (!input) return tell("warn", say("takes_none", { node: node.title }));
    return tell("success", say("used", { input, node: node.title }));
  }

  async add(card, at = middle()) {
    const made = await addAsNode(app.canvas.graph, at, card);
    tell("success", say("added", { node: made.title }));
  }

  menu(card, element) {
    const node = selected().find((one) => takes(one, card));
    const entry = (name, values, disabled) => ({ name, text: say(`menu_${name}`, values), tip: say(`menu_${name}_tip`), disabled });
    const acts = {
      use: () => this.into(node, card),
      add: () => this.add(card),
      copy: () => tryCopy(textOf(card), say("copied", { text: shortened(textOf(card)) }), say("copy_failed")),
      star: () => this.send(`/${card.key}`, "POST", { starred: !card.starred }),
      remove: () => this.send(`/${card.key}`, "DELETE"),
    };
    showMenu(element, card.label, [
      node ? entry("use", { node: node.title }) : { ...entry("use", { node: "…" }, true), tip: say("select_first") },
      entry("add"),
      entry("copy", {}, !textOf(card)),
      { ...entry(card.starred ? "unstar" : "star"), name: "star" },
      entry("remove"),
    ], (name) => this.tried(acts[name])); // prettier-ignore
  }

  // A card is let go over the graph: on a node, or where a new one shall be.
  dropped(key, event) {
    const card = this.cards.find((one) => one.key === key);
    if (!card) return;
    const at = app.canvas.convertEventToCanvasOffset(event);
    const node = app.canvas.graph.getNodeOnPos(...at);
    this.tried(() => (node ? this.into(node, card) : this.add(card, at)));
  }
}

// Groups and bends of wires can be selected, too.
const selected = () => [...(app.canvas?.selectedItems ?? [])].filter((one) => one.comfyClass);

const shortened = (text) => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

// The middle of what is seen of the graph.
function middle() {
  const { left, top, width, height } = app.canvas.canvas.getBoundingClientRect();
  return app.canvas.convertEventToCanvasOffset({ clientX: left + width / 2, clientY: top + height / 2 });
}

// Before the page, which would open what is dropped as a workflow.
function watchDrops(board) {
  const isCard = (event) => event.dataTransfer?.types?.includes(KIND);
  const onGraph = (event) => event.target === app.canvas?.canvas || Boolean(event.target.closest?.("[data-node-id]"));
  addEventListener("dragover", (event) => {
    if (!isCard(event) || !onGraph(event)) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
  }, true); // prettier-ignore
  addEventListener("drop", (event) => {
    if (!isCard(event) || !onGraph(event)) return;
    event.preventDefault();
    event.stopPropagation();
    board.dropped(event.dataTransfer.getData(KIND), event);
  }, true); // prettier-ignore
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Board",
  async init() {
    addStyle(new URL("./board/board.css", import.meta.url).href);
    await load();
  },
  setup() {
    if (!app.extensionManager?.registerSidebarTab) return; // a page that is older than tabs of packs
    const board = new Board();
    api.addEventListener("surrogate.board", () => board.look());
    api.addEventListener("reconnected", () => board.look());
    watchDrops(board);
    app.extensionManager.registerSidebarTab({
      id: "surrogate-board",
      icon: "pi pi-heart",
      title: say("title"),
      tooltip: say("tooltip"),
      type: "custom",
      render: (element) => board.open(element),
      destroy: () => board.open(undefined),
    });
  },
});

// Surrogate Pick: the generation in the node, what is picked of it in an ordinary widget value, and the answer to a run
// that waits.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { undoStep } from "./graph_edits.js";
import { nodeById } from "./graph_nodes.js";
import { EMPTY, isAnswer, parse, toggle, write } from "./pick/picks.js";
import { PickView } from "./pick/view.js";
import { load, say } from "./pick/words.js";

const SIZE = [520, 760];
const LEAST = 300; // height of the page
const AGAIN = 5000; // milliseconds between two looks at whether a run still waits
const ROUTE = "/surrogate/pick";

class Pick {
  constructor(node, name) {
    this.node = node;
    this.picks = EMPTY;
    this.view = new PickView({
      act: (what, value) => this.act(what, value),
      grows: () => Boolean(globalThis.LiteGraph?.vueNodesMode),
      address: (key, part) => api.apiURL(`/surrogate/explorer/${key}${part ? `?${part}` : ""}`),
    });
    this.widget = node.addDOMWidget(name, "SURROGATE_PICKS", this.view.element, {
      // What a waiting run is answered, and what was told, is nothing that the next run shall tell.
      getValue: () => (this.waits || this.page.told ? "" : write(this.picks)),
      setValue: (text) => this.open(text),
      getMinHeight: () => LEAST,
      hideOnZoom: false,
    });
    this.show();
  }

  // The page that was shown last: { generation, number, cells, told, finished, clicked: the picks that a waiting run was not
  // told yet }; it is saved with the workflow.
  get page() {
    return this.node.properties.surrogate_pick ?? { generation: "", number: 0, cells: [] };
  }

  set page(page) {
    this.node.properties.surrogate_pick = page;
  }

  get ranking() {
    return this.node.widgets?.find((widget) => widget.name === "clicks")?.value === "ranking";
  }

  open(text) {
    this.picks = parse(text);
    this.show();
  }

  show() {
    const { number, cells, told, finished, generation } = this.page;
    const picks = this.picks.of === generation ? this.picks : EMPTY;
    this.view.show({ number, cells, told, finished, picks, ranking: this.ranking, waits: Boolean(this.waits), problem: this.problem });
  }

  act(what, value) {
    if (this.page.told || !this.page.cells.length) return;
    this.view.hide();
    this.problem = undefined;
    const { generation } = this.page;
    if (what === "like") this.picks = toggle(this.picks, generation, this.ranking ? "ranking" : "likes", value);
    else if (what !== "go") this.picks = { of: generation, do: what, cells: [] };
    if (this.waits) this.page = { ...this.page, clicked: this.picks };
    this.#changed();
    if (what !== "like" && isAnswer(this.picks)) this.waits ? this.answer() : app.queuePrompt(0);
  }

  // Tell the run that waits.
  async answer() {
    const { node, prompt } = this.waits;
    this.sending = true; // the news that the run goes on may be faster than the answer's own answer
    const body = JSON.stringify({ node, prompt, ...this.picks });
    try {
      const answer = await api.fetchApi(ROUTE, { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const said = await answer.json();
      if (answer.ok || said.picks) this.closed(said.picks, answer.ok ? "told" : "elsewhere");
      else if (answer.status === 409) this.closed(null, "over");
      else throw new Error(said.error);
    } catch (error) {
      this.problem = say("not_sent", { error: error.message });
      this.show();
    } finally {
      this.sending = false;
    }
  }

  // A run waits with this page.
  asked(question) {
    if (this.waits?.prompt === question.prompt && this.waits.generation === question.generation) return;
    const { generation, number, cells } = question;
    this.waits = question;
    const { clicked } = this.page;
    if (this.picks.of !== generation) this.picks = clicked?.of === generation ? clicked : EMPTY;
    this.page = { generation, number, cells, clicked: this.picks };
    clearInterval(this.timer);
    this.timer = setInterval(look, AGAIN);
    this.#changed();
  }

  // It waits no more: with the picks of whoever was first, or null.
  closed(picks, why) {
    if (!this.waits) return;
    clearInterval(this.timer);
    this.waits = undefined;
    this.picks = picks ? parse(picks) : EMPTY;
    this.page = { ...this.page, told: why, clicked: undefined };
    this.#changed();
  }

  executed({ generation, number, cells, picks, finished }) {
    if (this.waits) this.closed(picks, "told");
    if (picks) this.picks = parse(picks);
    else if (this.picks.of !== generation) this.picks = EMPTY;
    const told = this.page.generation === generation ? this.page.told : undefined;
    this.page = { generation, number, cells, finished, told: picks ? (told ?? "told") : undefined };
    this.problem = undefined;
    this.#changed();
  }

  removed() {
    clearInterval(this.timer);
    this.view.hide();
  }

  #changed() {
    this.show();
    this.node.graph?.setDirtyCanvas?.(true, true);
    undoStep();
  }
}

// The Pick that a message is about; undefined if it is in another workflow than the one that is open.
function pickOf({ node, workflow }) {
  const { id } = app.rootGraph ?? app.graph;
  return workflow && workflow === String(id) ? nodeById(node)?.surrogatePick : undefined;
}

const picks = new Set(); // all in this window

// Which runs wait? After a reload, a change of workflow or a lost connection nobody else says so.
async function look() {
  try {
    const { pages } = await (await api.fetchApi(ROUTE)).json();
    const waiting = new Map(pages.map((page) => [pickOf(page), page]));
    for (const pick of picks) {
      if (waiting.has(pick)) pick.asked(waiting.get(pick));
      else pick.closed(null, "over");
    }
  } catch {
    // The server is away; the next look may find it.
  }
}

app.registerExtension({
  name: "ComfyUI-Surrogate.Pick",
  async init() {
    await load();
    api.addEventListener("surrogate.pick.shown", ({ detail }) => pickOf(detail)?.asked(detail));
    api.addEventListener("surrogate.pick.done", ({ detail }) => {
      const pick = pickOf(detail);
      if (pick?.waits?.prompt === detail.prompt && !pick.sending) pick.closed(detail.picks, detail.picks ? "elsewhere" : "over");
    });
    api.addEventListener("reconnected", look);
  },
  afterConfigureGraph: () => void (picks.size && look()),
  getCustomWidgets: () => ({
    SURROGATE_PICKS(node, name) {
      const pick = (node.surrogatePick = new Pick(node, name));
      return { widget: pick.widget };
    },
  }),
  nodeCreated(node) {
    const pick = node.surrogatePick;
    if (!pick) return;
    picks.add(pick);
    const { onExecuted, onRemoved, onConfigure } = node;
    node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);
    node.onExecuted = function (output) {
      onExecuted?.apply(this, arguments);
      if (output?.surrogate_pick) pick.executed(output.surrogate_pick[0]);
    };
    node.onConfigure = function () {
      onConfigure?.apply(this, arguments);
      pick.show(); // properties come after the widgets' values
    };
    node.onRemoved = function () {
      picks.delete(pick);
      pick.removed();
      onRemoved?.apply(this, arguments);
    };
  },
});

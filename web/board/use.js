// What a card of the board can do with a node: a card is { key, label, text, weights, … } as the server sends it.
import { api } from "../../../scripts/api.js";
import { addNodeAt, chooseFile, oneStep, setValue } from "../graph_edits.js";

const WHOLE = /^\d+$/;

// How `node` can take the card: { input, value(before) }, or undefined.
function place(node, card) {
  const kind = node?.comfyClass ?? node?.type;
  if (kind === "SurrogateSeedsFromIntegers" && card.text) return { input: "seeds", value: (before) => withSeed(before, card.text) };
  if (kind === "SurrogateWeights" && card.weights) return { input: "weights", value: () => card.weights };
  if (kind === "SurrogateLoadSeeds") return { input: "file" };
  const seed = node?.widgets?.find(({ name }) => name === "seed" || name === "noise_seed");
  if (!seed || kind.startsWith("Surrogate") || !WHOLE.test(card.text) || !Number.isSafeInteger(Number(card.text))) return undefined;
  return { input: seed.name, value: () => Number(card.text) };
}

// Another seed in the text of Seeds from Integers, once.
function withSeed(before, seed) {
  const seeds = before.split(/[,;\s]+/).filter(Boolean);
  return seeds.includes(seed) ? before : [...seeds, seed].join(", ");
}

export const takes = (node, card) => Boolean(place(node, card));

// Write the card into `node`; what was written into which input, or undefined if the node takes nothing of it.
export async function useIn(node, card) {
  const found = place(node, card);
  if (!found) return undefined;
  const file = found.value ? undefined : await fileOf(card);
  oneStep(node.graph, () => {
    if (file) return chooseFile(node, file);
    const before = node.widgets.find(({ name }) => name === found.input).value;
    return setValue(node, found.input, found.value(String(before ?? "")));
  });
  return found.input;
}

// A new node that gives the card's seed, at a place of the graph.
export async function addAsNode(graph, at, card) {
  const file = card.text ? undefined : await fileOf(card);
  return oneStep(graph, () => {
    if (card.text) return addNodeAt(graph, at, "SurrogateSeedsFromIntegers", { seeds: card.text });
    const made = addNodeAt(graph, at, "SurrogateLoadSeeds");
    chooseFile(made, file);
    return made;
  });
}

// What is copied: an integer, or the weights of a blend.
export const textOf = (card) => card.text || card.weights;

// The card's seed as a file that Load Seeds knows.
async function fileOf(card) {
  const headers = { "Content-Type": "application/json" };
  const answer = await api.fetchApi(`/surrogate/board/${card.key}`, { method: "POST", headers, body: '{"file": true}' });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said.file;
}

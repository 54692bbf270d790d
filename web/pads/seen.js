// What was rendered of the space of a pad: the pictures of the contact sheets in the same graph.
import { api } from "../../../scripts/api.js";
import { sameSource, sourceOf, spaceOf } from "../graph_edits.js";
import { shares } from "./mix.js";

const MOST = 100;

// Each { parts, label, score from 0 to 1 or undefined, picture: { address, size, box } }, for a space of k seeds.
export function seenOf(node, k) {
  const space = sourceOf(node, "space");
  const sheets = node.graph?.nodes.filter((other) => isOf(other, space)) ?? [];
  return sheets.flatMap((sheet) => pictures(sheet.properties.surrogate_sheet.shown, k)).slice(0, MOST);
}

function isOf(node, space) {
  return node.properties?.surrogate_sheet?.shown && sameSource(spaceOf(node), space);
}

function pictures({ file, size, boxes, labels, weights, scores = [] }, k) {
  const address = api.apiURL(`/view?${new URLSearchParams(file)}`);
  const range = scaled(scores);
  return weights.flatMap((text, i) => {
    const numbers = text.split(",").map(Number);
    if (numbers.length !== k || !boxes[i] || !numbers.every((number) => number >= 0)) return [];
    return [{ parts: shares(numbers), label: labels[i] ?? "", score: range[i], picture: { address, size, box: boxes[i] } }];
  });
}

// Scores from 0, the lowest, to 1, the highest.
function scaled(scores) {
  const known = scores.filter((score) => score !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return scores.map((score) => (score === null ? undefined : high > low ? (score - low) / (high - low) : 1));
}

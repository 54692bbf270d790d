// What is picked of a generation: the same JSON as surrogate/search/picks.py. All functions give new picks.

export const EMPTY = { of: "", do: "likes", cells: [] };

export function parse(text) {
  try {
    const { of = "", do: act = "likes", cells = [] } = JSON.parse(text);
    if (typeof of === "string" && Array.isArray(cells)) return { of, do: act, cells };
  } catch {
    // an empty text, or one that the server will complain about
  }
  return EMPTY;
}

// Nothing is picked as long as "likes" has no picture.
export const isAnswer = ({ do: act, cells }) => cells.length > 0 || act === "none" || act === "skip";

export const write = (picks) => (isAnswer(picks) ? JSON.stringify({ v: 1, ...picks }) : "");

export function toggle(picks, of, act, cell) {
  const cells = picks.of === of ? picks.cells : [];
  return { of, do: act, cells: cells.includes(cell) ? cells.filter((other) => other !== cell) : [...cells, cell] };
}

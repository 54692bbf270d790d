// What a point is made of: a share for each seed, its squared weight. Shares add up to 1, as the labels of points say.

export function shares(weights) {
  const squares = weights.map((w) => w * w);
  const sum = squares.reduce((a, b) => a + b, 0);
  return sum > 0 ? squares.map((square) => square / sum) : weights.map(() => 1 / weights.length);
}

// Weights of unit norm. `signs` are those of the weights before: some spaces have negative ones.
export const weights = (parts, signs = []) => parts.map((part, i) => Math.sqrt(part) * (signs[i] < 0 ? -1 : 1));

// Seed i gets `share`, the others keep their ratios. Locked ones keep their shares: what they leave is the limit.
export function withShare(parts, i, share, locked = []) {
  const free = parts.map((_, j) => j !== i && !locked[j]);
  const kept = parts.reduce((sum, part, j) => sum + (j !== i && locked[j] ? part : 0), 0);
  if (!free.some(Boolean)) return parts;
  const mine = Math.min(Math.max(share, 0), 1 - kept);
  const rest = 1 - kept - mine;
  const before = parts.reduce((sum, part, j) => sum + (free[j] ? part : 0), 0);
  const count = free.filter(Boolean).length;
  return parts.map((part, j) => {
    if (j === i) return mine;
    if (!free[j]) return part;
    return before > 0 ? (part * rest) / before : rest / count;
  });
}

// ---- the triangle: corners at the top, bottom left and bottom right, as on the sheet of Surrogate Slice; x and y from 0 to 1

const CORNERS = [[0.5, 0], [0, 1], [1, 1]]; // prettier-ignore

export const position = (parts) => [0, 1].map((axis) => parts.reduce((sum, part, i) => sum + part * CORNERS[i][axis], 0));

// The shares at a position; outside of the triangle those of a place on its edge.
export function sharesAt([x, y]) {
  const parts = [1 - y, 0.5 * (1 + y) - x, x - 0.5 * (1 - y)];
  const inside = parts.map((part) => Math.max(part, 0));
  const sum = inside.reduce((a, b) => a + b, 0);
  return inside.map((part) => part / sum);
}

// ---- coordinates of a space of three seeds, as surrogate/charts has them

const QUARTER = Math.PI / 2;

const CHARTS = {
  knothe_rosenblatt: {
    weights: ([a, b]) => [1 - a, Math.sqrt(a * (2 - a)) * Math.cos(QUARTER * b), Math.sqrt(a * (2 - a)) * Math.sin(QUARTER * b)],
    coordinates: ([x, y, z]) => [1 - x, y || z ? Math.atan2(z, y) / QUARTER : 1],
  },
  angular: {
    weights: ([a, b]) => [
      Math.cos(QUARTER * a), Math.sin(QUARTER * a) * Math.cos(QUARTER * b), Math.sin(QUARTER * a) * Math.sin(QUARTER * b),
    ],
    coordinates: ([x, y, z]) => [Math.atan2(Math.hypot(y, z), x) / QUARTER, y || z ? Math.atan2(z, y) / QUARTER : 1],
  },
}; // prettier-ignore

export const sharesOfCoordinates = (u, chart) => shares(CHARTS[chart].weights(u));

export const coordinatesOfShares = (parts, chart) => CHARTS[chart].coordinates(weights(parts));

export const knowsChart = (chart) => chart in CHARTS;

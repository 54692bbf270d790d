// The text of Surrogate Weights and Surrogate Point: numbers, one point in each line.

const DIGITS = 6;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const written = (text) => text.split("\n").flatMap((line, i) => (line.trim() ? [i] : []));

export const countLines = (text) => written(text).length;

// The numbers of line `n` among those that are not empty, or undefined where the node would refuse them.
export function numbersOf(text, n) {
  const line = text.split("\n")[written(text)[n]];
  const entries = line?.trim().replace(/^[,;]+|[,;]+$/g, "").trim().split(/[,;\s]+/); // prettier-ignore
  return entries?.every((entry) => NUMBER.test(entry)) ? entries.map(Number) : undefined;
}

// The text with other numbers in line `n`.
export function withNumbers(text, n, numbers) {
  const lines = text.split("\n");
  const at = written(text)[n] ?? 0;
  lines[at] = numbers.map((number) => String(Number(number.toFixed(DIGITS)))).join(", ");
  return lines.join("\n");
}

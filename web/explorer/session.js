// What was liked on which page: the same JSON as surrogate/explore/session.py. All functions give a new session.

export const EMPTY = { v: 1, page: 0, pages: [] };

export function parse(text) {
  try {
    const read = JSON.parse(text);
    if (Array.isArray(read?.pages) && read.pages.length) return { ...read, page: read.page ?? read.pages.length - 1 };
  } catch {
    // an empty text, or one that the server will complain about
  }
  return EMPTY;
}

export const write = (session) => (session.pages.length ? JSON.stringify(session) : "");

export const likesOf = (session, page = session.page) => session.pages[page]?.likes ?? [];

export const parentOf = (session, page) => session.pages[page].of ?? page - 1;

// The pages that led to `page`, the first one first.
export function chain(session, page = session.page) {
  const numbers = [];
  while (page >= 0 && page < session.pages.length) {
    numbers.unshift(page);
    page = parentOf(session, page);
  }
  return numbers;
}

// Where picture `cell` of `page` was first shown: some pages begin with one that is known.
function origin(session, page, cell) {
  const { do: act = "new", n = 9, at = 0 } = session.pages[page];
  const before = parentOf(session, page);
  if (act === "finish") return liked(session, before)[cell];
  if (!cell && act === "near") return origin(session, before, at);
  if (!cell && act === "more" && n > 1) {
    const last = chain(session, before).reverse().find((other) => likesOf(session, other).length);
    if (last !== undefined) return origin(session, last, likesOf(session, last).at(-1));
  }
  return `${page}:${cell}`;
}

// All that was liked on the way to `page`, each picture once.
export function liked(session, page = session.page) {
  const found = chain(session, page).flatMap((other) => likesOf(session, other).map((cell) => origin(session, other, cell)));
  return [...new Set(found.reverse())].reverse();
}

export function toggle(session, cell) {
  const likes = likesOf(session);
  const pages = [...session.pages];
  pages[session.page] = {
    ...pages[session.page],
    likes: likes.includes(cell) ? likes.filter((other) => other !== cell) : [...likes, cell],
  };
  return { ...session, pages };
}

export function go(session, page) {
  return { ...session, page: Math.min(Math.max(page, 0), session.pages.length - 1) };
}

// Another page made of the one that is shown. (A module with a function called `then` could not be imported.)
export function grow(session, act, n, { turn = 50, at = 0 } = {}) {
  const page = { of: session.pages.length ? session.page : -1 };
  if (act !== "new") page.do = act;
  if (act !== "finish") page.n = n;
  if (turn !== 50) page.turn = turn;
  if (at) page.at = at;
  return { ...session, pages: [...session.pages, page], page: session.pages.length };
}

export function countOf(session, fallback) {
  const page = session.pages[session.page];
  if (!page) return fallback;
  if (page.do !== "finish") return page.n ?? 9;
  return liked(session, parentOf(session, session.page)).length;
}

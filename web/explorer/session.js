// What was liked on which page: the same JSON as surrogate/explore/session.py. All functions give a new session.

export const EMPTY = { v: 1, page: 0, pages: [] };

export function parse(text) {
  try {
    const read = JSON.parse(text);
    if (read?.pages?.length && read.pages.every(isPage)) return { ...read, page: read.page ?? read.pages.length - 1 };
  } catch {
    // an empty text, or one that the server will complain about
  }
  return EMPTY;
}

const isPage = (page, i) =>
  (page?.of ?? i - 1) < i && Array.isArray(page?.likes ?? []) && Array.isArray(page?.liked ?? []);

export const write = (session) => (session.pages.length ? JSON.stringify(session) : "");

export const likesOf = (session, page = session.page) => session.pages[page]?.likes ?? [];

export const parentOf = (session, page) => session.pages[page].of ?? page - 1;

// For each page what was liked on the way to it when the pages were made: it never changes afterwards.
const known = new WeakMap(); // a session's pages -> that

function led(session) {
  if (known.has(session.pages)) return known.get(session.pages);
  const found = [];
  session.pages.forEach((page, i) => {
    const before = parentOf(session, i);
    const { liked = before < 0 ? [] : likesOf(session, before) } = page;
    found.push(before < 0 ? [] : distinct([...found[before], ...liked.map((cell) => origin(session, before, cell, found))]));
  });
  known.set(session.pages, found);
  return found;
}

// Where picture `cell` of `page` was first shown: some pages begin with one that is known.
function origin(session, page, cell, found = led(session)) {
  const { do: act = "new", n = 9, at = 0 } = session.pages[page];
  if (act === "finish") return found[page][cell];
  if (!cell && act === "near") return origin(session, parentOf(session, page), at, found);
  if (!cell && act === "more" && n > 1) return found[page].at(-1) ?? `${page}:0`;
  return `${page}:${cell}`;
}

// Of equal ones the last stays.
const distinct = (pictures) => [...new Set(pictures.reverse())].reverse();

// All that was liked on the way to `page`, and what is liked on it now, each picture once.
export function liked(session, page = session.page) {
  if (!session.pages.length) return [];
  return distinct([...led(session)[page], ...likesOf(session, page).map((cell) => origin(session, page, cell))]);
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
  const page = { of: session.pages.length ? session.page : -1, liked: likesOf(session) };
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
  return led(session)[session.page].length;
}

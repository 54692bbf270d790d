// One sound at a time, whichever page it is on.
const audio = new Audio();
let playing; // { key, changed }

function stopped() {
  const { changed } = playing ?? {};
  playing = undefined;
  changed?.();
}

audio.addEventListener("ended", stopped);
audio.addEventListener("error", stopped); // not kept any more
audio.addEventListener("timeupdate", () => playing?.changed());

export function stop() {
  audio.pause();
  stopped();
}

// Play the sound `key` of the address `source`, or stop it; `changed` is called whenever it begins, moves on or ends.
export function toggle(key, source, changed) {
  const same = playing?.key === key;
  stop();
  if (same) return;
  playing = { key, changed };
  audio.src = source;
  audio.play().catch((error) => error.name !== "AbortError" && playing?.key === key && stopped());
  changed();
}

// How much of the sound `key` was played, from 0 to 1; undefined while it is silent.
export function progress(key) {
  if (!playing || playing.key !== key) return undefined;
  return audio.duration > 0 ? audio.currentTime / audio.duration : 0;
}

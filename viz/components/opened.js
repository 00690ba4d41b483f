// Which lessons this browser has opened: kept in this browser alone, and nothing where it keeps nothing.

const KEY = "convscope.opened";

export function opened() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return new Set(Array.isArray(kept) ? kept : []);
  } catch {
    return new Set();
  }
}

export function keep(path) {
  try {
    localStorage.setItem(KEY, JSON.stringify([...opened().add(path)]));
  } catch {} // storage is switched off, or full
}

export function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {} // storage is switched off
}

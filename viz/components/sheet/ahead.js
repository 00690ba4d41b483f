// Sheets of layers that may be chosen next; they wait here for the sheet on the page to take them.
const MOST = 12e6, REST = 700, AGAIN = 2000;
let timer = 0, touched = 0;
for (const name of ["pointerdown", "pointerup", "keydown", "keyup", "input", "wheel", "popstate"])
  addEventListener(name, () => { touched = performance.now(); }, { capture: true, passive: true });

// What saves data, or may pay for it, gets nothing that nobody has asked for.
function spares() {
  const { saveData, type } = navigator.connection || {};
  return saveData || (matchMedia("(pointer: coarse)").matches && !["wifi", "ethernet"].includes(type));
}

const runs = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";

// Streamlit sends what changes within one moment together, as if all of it were of one fragment: what a visitor
// chooses must not meet it.
const idle = globalThis.requestIdleCallback || ((call) => setTimeout(call, 50));

function rested(ask) {
  clearTimeout(timer);
  const rests = () => performance.now() > touched + REST && !document.hidden && !runs();
  timer = setTimeout(() => idle(() => (rests() ? ask() : rested(ask))), Math.max(touched + REST - performance.now(), 100));
}

export default function ({ data, setTriggerValue }) {
  const { group, layers, more, turn } = data, kept = globalThis.convscopeAhead;
  const all = Object.entries(kept?.group === group ? { ...kept.layers, ...layers } : layers);
  let room = MOST, from = all.length;
  while (from && (room -= all[from - 1][1].maps.length) >= 0) from--;
  globalThis.convscopeAhead = { group, layers: Object.fromEntries(all.slice(from)), more };
  clearTimeout(timer);
  if (!more || spares()) return;
  const busy = !Object.keys(layers).length; // on the server somebody else is served
  timer = setTimeout(() => rested(() => setTriggerValue("more", turn)), busy ? AGAIN : 0);
  return () => clearTimeout(timer);
}

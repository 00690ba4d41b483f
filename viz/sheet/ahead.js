// Sheets of layers that may be chosen next; they wait here for the sheet on the page to take them.
const MOST = 48;

export default function ({ data }) {
  const { group, layers } = data, kept = globalThis.convscopeAhead;
  const all = kept?.group === group ? { ...kept.layers, ...layers } : layers;
  globalThis.convscopeAhead = { group, layers: Object.fromEntries(Object.entries(all).slice(-MOST)) };
}

// Sheets of layers that may be chosen next; they wait here for the sheet on the page to take them.
export default function ({ data }) { globalThis.convscopeAhead = data; }

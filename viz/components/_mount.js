// All that a message carries of a component: where its files are. The element stays empty until all have come.
const files = {/* files */}, at = (name) => new URL(`./%FOLDER%/${name}`, document.baseURI).href;
const mounted = new WeakMap();
let coming = null;

async function read(name) {
  const answer = await fetch(at(name));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer.text();
}

async function load() {
  const style = async (name) => new CSSStyleSheet().replace(await read(name));
  const [[code], markup, styles] = await Promise.all([
    Promise.all(files.code.map((name) => import(at(name)))), read(files.markup), Promise.all(files.styles.map(style))]);
  return { code, markup, styles };
}

// Data may come before the code has, and once more: the last counts. What is returned ends it, if nothing came after.
export default function (component) {
  const root = component.parentElement, one = mounted.get(root) ?? { shown: false };
  mounted.set(root, one);
  one.last = component;
  coming ??= load();
  coming.then(({ code, markup, styles }) => {
    if (one.last !== component) return;
    if (!one.shown) {
      root.adoptedStyleSheets = styles;
      root.replaceChildren(document.createRange().createContextualFragment(markup));
      one.shown = true;
    }
    one.end = code.default(component);
  }).catch((error) => {
    console.error(error);
    if (one.last !== component || one.shown) return;
    coming = null;
    const said = document.createElement("p");
    said.role = "alert";
    said.textContent = "This figure did not load. Check the connection and reload the page.";
    root.replaceChildren(said);
  });
  return () => {
    if (one.last !== component) return;
    one.last = null;
    one.end?.();
  };
}

import { forget, opened } from "../opened.js";

function el(tag, cls, text) {
  const one = document.createElement(tag);
  if (cls) one.className = cls;
  if (text != null) one.textContent = text;
  return one;
}

function card({ path, number, title, question, hard }, go) {
  const item = el("li"), link = el("a"), head = el("span", "head"), check = el("span", "check");
  link.href = new URL(path, document.baseURI).href;
  link.dataset.path = path;
  // With a key held, the browser opens it in a tab of its own.
  link.onclick = (e) => {
    if (e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    go(path);
  };
  head.append(el("span", "number", number), el("strong", "", title));
  if (hard) head.append(el("span", "hard", "harder"));
  check.setAttribute("role", "img");
  head.append(check);
  link.append(head, el("span", "question", question));
  item.append(link);
  return item;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".course"), kept = root.querySelector(".kept");
  const shown = JSON.stringify(data.groups);
  if (root.shown !== shown) {
    root.shown = shown;
    root.querySelector(".groups").replaceChildren(...data.groups.map(({ title, cards }) => {
      const section = el("section"), list = el("ol");
      list.append(...cards.map((one) => card(one, (path) => setTriggerValue("go", path))));
      section.append(el("h2", "", title), list);
      return section;
    }));
  }
  const mark = () => {
    const known = opened();
    for (const link of root.querySelectorAll("a")) {
      const check = link.querySelector(".check"), on = known.has(link.dataset.path);
      check.textContent = on ? "✓" : "";
      check.hidden = !on;
      if (on) check.setAttribute("aria-label", "opened before");
      else check.removeAttribute("aria-label");
    }
    kept.hidden = !known.size;
  };
  kept.querySelector("button").onclick = () => {
    forget();
    mark();
    root.querySelector("a")?.focus();
  };
  mark();
}

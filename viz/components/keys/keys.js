// A code, a dark screen or the list of keys above everything else; and keys that the page wants to hear of.

import { escape, free } from "../common.js";

// The windows of the room, in which the question on screen is still the one that waits.
const ROOM = '[role=dialog]:has([class*="st-key-room_"])';
const VIEWS = { q: "code", b: "blank", "?": "list" };

class Keys {
  constructor(root) {
    this.dialog = root.querySelector("dialog");
    this.pressed = [];
    root.querySelector(".qr").onclick = () => this.show("code");
    root.querySelector(".help").onclick = () => this.show("list");
    this.dialog.onclick = () => this.dialog.close();
    this.heard = (e) => this.key(e);
    // Before Streamlit, which takes R and C for itself.
    document.addEventListener("keydown", this.heard, true);
    this.left = () => this.dialog.close();
    addEventListener("popstate", this.left);
  }

  key(e) {
    const { dialog } = this, key = e.key.toLowerCase();
    if (dialog.open) {
      if (["shift", "control", "alt", "meta"].includes(key)) return;
      dialog.close();
    } else {
      // A grid that has the focus takes numbers.
      if (!free(e, key === "r" && ROOM) || e.repeat || (/\d/.test(key) && e.composedPath()[0].matches?.("[role=application]"))) return;
      if (VIEWS[key]) this.show(VIEWS[key]);
      else if (this.data.sent.includes(key)) this.tell(key);
      else return;
    }
    e.preventDefault();
    e.stopImmediatePropagation();
  }

  show(view) {
    const { dialog, data } = this;
    dialog.className = view;
    dialog.setAttribute("aria-label", { code: "QR code of this page", blank: "Dark screen", list: "Keys" }[view]);
    dialog.innerHTML = view !== "list" ? "" : `<dl>${Object.entries(data.told).map(([key, what]) => `<dt>${escape(key)}</dt><dd>${escape(what)}</dd>`).join("")}</dl>`;
    if (view === "code" && data.code == null) this.tell("q");
    this.fill();
    dialog.showModal();
  }

  // Making a code takes a moment, so it comes when it is asked for.
  fill() {
    const { dialog, data } = this;
    if (dialog.className !== "code") return;
    const code = data.code ?? "", none = data.code === "" ? "<p>This link is too long for a QR code.</p>" : "";
    dialog.innerHTML = `${code}${none}<p>${escape(data.link)}</p>`;
  }

  // Of messages that follow each other while the page runs only the last arrives, so each tells the ones before, too.
  tell(key) {
    this.pressed = [...this.pressed.slice(-50), { key, at: performance.timeOrigin + performance.now() }];
    this.send("key", this.pressed);
  }

  end() {
    document.removeEventListener("keydown", this.heard, true);
    removeEventListener("popstate", this.left);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".keys");
  const keys = (root._keys ??= new Keys(root));
  Object.assign(keys, { data, send: setTriggerValue });
  keys.fill();
  return () => {
    keys.end();
    root._keys = null;
  };
}

// The hub's own pages on a device that was let in: a link sends no token, so the page is fetched with it and shown here.

import { styled } from "./access.js";
import { button, openDialog, tell } from "./dialogs.js";
import { deviceToken } from "./hub.js";
import { el } from "./keyed.js";
import { say } from "./words.js";

const HTML = "text/html";

/** @param {{path: string, title: string}} page */
export async function openPage({ path, title }) {
  await styled();
  return openDialog({ title, kind: "paged", build(close) {
    const frame = el("iframe", { title });
    const told = el("p", { role: "status" }, say("page.loading"));
    const print = button(say("page.print"), () => { frame.contentWindow.focus(); frame.contentWindow.print(); }, "main", { disabled: true, "data-page": "print" });
    showing({ frame, told, print, close }).go(path);
    return { body: el("div", { class: "body" }, told, frame), end: print };
  }});
}

/** A frame with one page after another: its document is the board's own, empty and under a policy without scripts. */
function showing({ frame, told, print, close }) {
  let at = "/";
  const ready = new Promise((done) => { frame.addEventListener("load", done, { once: true }); });
  frame.src = new URL("./page.html", import.meta.url).href;
  ready.then(() => frame.contentDocument && listen(frame.contentDocument));

  async function go(path) {
    told.hidden = false;
    const { ok, status, type, blob, name } = await fetched(path);
    if (!frame.isConnected) return;
    told.textContent = ok ? "" : say(status === 401 ? "access.gone" : status === 403 ? "page.not_permitted" : "access.no_answer");
    told.hidden = ok;
    if (!ok) return;
    if (!type.startsWith(HTML)) { saved(name || path.split("?")[0].split("/").pop(), blob); return; }
    const text = await blob.text();
    await ready;
    const page = frame.contentDocument;
    if (!page) return;
    // The frame's own, so that the frame's policy is that of the styles in it.
    const parsed = new frame.contentWindow.DOMParser().parseFromString(text, HTML);
    at = path;
    page.replaceChild(page.adoptNode(parsed.documentElement), page.documentElement);
    const { hash } = new URL(path, location.href);
    const there = hash && page.getElementById(decodeURIComponent(hash.slice(1)));
    if (there) there.scrollIntoView();
    else frame.contentWindow.scrollTo(0, 0);
    print.disabled = false;
  }

  function listen(page) {
    page.addEventListener("click", (event) => {
      const link = event.target.closest && event.target.closest("a[href]");
      const href = link && link.getAttribute("href");
      if (!href || href.startsWith("#")) return;
      event.preventDefault();
      const to = new URL(href, new URL(at, location.href));
      if (to.origin !== location.origin) window.open(to.href, "_blank", "noopener");
      else if (to.pathname === "/") close();
      else go(to.pathname + to.search + to.hash);
    });
    page.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  }
  return { go };
}

/** A page or a file of the hub's, asked for as this device. */
async function fetched(path) {
  try {
    const answer = await fetch(path, { cache: "no-store", headers: { Accept: `${HTML}, */*;q=0.5`, Authorization: `Bearer ${deviceToken()}` } });
    const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition")) || [];
    return { ok: answer.ok, status: answer.status, type: answer.headers.get("Content-Type") || "", name, blob: await answer.blob() };
  } catch (failed) { // no network, no hub
    return { ok: false, status: 0 };
  }
}

/** What is no page is kept by the browser as a file. */
function saved(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  tell(say("page.saved"));
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

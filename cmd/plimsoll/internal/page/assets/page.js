// Puts what the server sends in place of what is there. The server renders all
// of it; nodes that stay keep their place, so focus and selection do too.
"use strict";
(() => {
  const live = document.getElementById("live");
  const status = document.getElementById("status");
  const pause = document.getElementById("pause");
  let source = null, paused = false, retry = 0, latest = 0;

  const say = (text, bad) => {
    if (status.textContent !== text) status.textContent = text;
    status.classList.toggle("bad", bad);
  };

  // update makes a node like another one, changing only what differs.
  const update = (to, from) => {
    if (to.nodeType !== from.nodeType || to.nodeName !== from.nodeName) {
      to.replaceWith(from);
      return;
    }
    if (to.nodeType !== Node.ELEMENT_NODE) {
      if (to.nodeValue !== from.nodeValue) to.nodeValue = from.nodeValue;
      return;
    }
    for (const { name } of [...to.attributes]) if (!from.hasAttribute(name)) to.removeAttribute(name);
    for (const { name, value } of from.attributes) if (to.getAttribute(name) !== value) to.setAttribute(name, value);
    children(to, from);
  };
  const children = (to, from) => {
    const next = [...from.childNodes];
    while (to.childNodes.length > next.length) to.lastChild.remove();
    [...to.childNodes].forEach((child, i) => update(child, next[i]));
    for (const child of next.slice(to.childNodes.length)) to.append(child);
  };

  const show = (event) => {
    latest = Date.now();
    const doc = new DOMParser().parseFromString(`<main>\n${event.data}\n</main>`, "text/html");
    children(live, doc.querySelector("main"));
    say("live", false);
  };

  const open = () => {
    clearTimeout(retry);
    if (source || paused || document.hidden) return;
    source = new EventSource("/page/events");
    source.onmessage = show;
    source.onerror = () => {
      say("not live: the daemon does not answer", true);
      close();
      retry = setTimeout(open, 2000);
    };
  };
  const close = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    if (paused) {
      close();
      say("paused", false);
    } else {
      say("connecting", false);
      open();
    }
  });
  // A page that nobody sees costs nothing.
  document.addEventListener("visibilitychange", () => document.hidden ? close() : open());
  // A connection may hang without an error.
  setInterval(() => {
    if (source && latest && Date.now() - latest > 6000) {
      say("not live: nothing new for a while", true);
      latest = 0;
      close();
      open();
    }
  }, 1000);
  say("connecting", false);
  open();
})();

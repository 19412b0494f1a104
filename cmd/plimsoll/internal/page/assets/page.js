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
  // arrange brings nodes with keys into the order of the new ones, so that each stays
  // the element that it was.
  const arrange = (to, from) => {
    const old = new Map([...to.children].filter((n) => n.dataset.key).map((n) => [n.dataset.key, n]));
    if (!old.size) return;
    [...from.childNodes].forEach((n, i) => {
      const known = n.nodeType === Node.ELEMENT_NODE && old.get(n.dataset.key);
      if (known && to.childNodes[i] !== known) to.insertBefore(known, to.childNodes[i] || null);
    });
  };
  const children = (to, from) => {
    const next = [...from.childNodes];
    arrange(to, from);
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
    source = new EventSource("page/events?" + wanted());
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

  // What the viewer wants to see: the server sends no more than that.
  const form = document.getElementById("choice"), search = document.getElementById("search"), sort = document.getElementById("sort");
  let opened = null; // keys of groups; null = as the server thinks best
  const wanted = () => {
    const q = new URLSearchParams();
    if (opened) q.set("open", opened.join(","));
    if (search.value) q.set("q", search.value);
    if (sort.value) q.set("sort", sort.value);
    return q;
  };
  const again = () => {
    if (paused) return;
    close();
    open();
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  let typing = 0;
  search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(again, 250); });
  sort.addEventListener("change", again);
  live.addEventListener("click", (event) => {
    if (!event.target.closest("summary") || search.value) return;
    setTimeout(() => { // after the group has opened or closed
      opened = [...live.querySelectorAll("details[open]")].map((d) => d.dataset.key);
      again();
    }, 0);
  });

  // A deployment of this node is switched with a token that is in no cookie and is not kept.
  let token = "";
  const flip = async (button) => {
    const row = button.closest("tr"), on = button.dataset.on === "true";
    const send = () => fetch("page/switch", {
      method: "POST", credentials: "same-origin", body: JSON.stringify({ key: row.dataset.key, on }),
      headers: { "Content-Type": "application/json", ...(token && { Authorization: "Bearer " + token }) },
    });
    let answer = await send();
    if (answer.status === 401 || answer.status === 403) {
      token = prompt("A token with the scope admin, to switch this deployment on this node:") || "";
      if (!token) return;
      answer = await send();
    }
    if (!answer.ok) {
      token = "";
      say("not switched: " + (await answer.text()).slice(0, 100), true);
    }
  };
  live.addEventListener("click", (event) => {
    const button = event.target.closest(".switch");
    if (button) flip(button).catch(() => say("not switched: the daemon does not answer", true));
  });

  // A chart shows the value below the pointer.
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  live.addEventListener("pointermove", (event) => {
    const chart = event.target.closest(".chart");
    tip.hidden = !chart;
    if (!chart) return;
    const box = chart.getBoundingClientRect(), at = 60 * (event.clientX - box.left) / box.width;
    const points = chart.querySelector("polyline").getAttribute("points").split(" ").map((p) => p.split(",").map(Number));
    const near = points.reduce((a, b) => Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a);
    const ago = Math.round((60 - near[0]) / 6);
    tip.textContent = `${Math.round(110 * (22 - near[1]) / 22)} % ${ago ? ago + " min ago" : "now"}`;
    tip.style.left = Math.min(event.clientX + 12, innerWidth - 110) + "px";
    tip.style.top = event.clientY - 28 + "px";
  });
  live.addEventListener("pointerleave", () => { tip.hidden = true; });

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
  // A hidden page sends no requests.
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

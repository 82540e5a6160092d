// What is live on the page: it works without this, by forms and reloading.
"use strict";
(() => {
  const maxCalls = 200;
  const calls = document.getElementById("calls");
  const line = document.getElementById("line");

  const say = (state, text) => {
    line.className = "line " + state;
    if (line.textContent !== text) line.textContent = text;
  };

  // The server escapes what is in a fragment.
  const fragment = (html) => {
    const t = document.createElement("template");
    t.innerHTML = html;
    return t.content;
  };

  const showOn = (actions) => {
    for (const form of document.forms) {
      form.classList.toggle("on", actions.includes(form.getAttribute("action")));
    }
  };

  const words = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    const units = [[86400, 3600, "d", "h"], [3600, 60, "h", "min"], [60, 1, "min", "s"]];
    for (const [big, small, bigName, smallName] of units) {
      if (s < big) continue;
      const rest = Math.floor((s % big) / small);
      return Math.floor(s / big) + " " + bigName + (rest ? " " + rest + " " + smallName : "");
    }
    return s + " s";
  };

  const tick = () => {
    for (const cell of document.querySelectorAll("[data-expires]")) {
      cell.textContent = words((Number(cell.dataset.expires) - Date.now()) / 1000);
    }
  };

  const show = (event) => {
    for (const [id, html] of Object.entries(event.regions)) {
      document.getElementById(id).replaceChildren(fragment(html));
    }
    if (event.whole) calls.replaceChildren();
    for (const { id, html } of event.calls || []) {
      const old = document.getElementById("call-" + id);
      if (old) old.replaceWith(fragment(html));
      else calls.prepend(fragment(html));
    }
    while (calls.children.length > maxCalls) calls.lastElementChild.remove();
    showOn(event.on);
    tick();
  };

  const send = async (event) => {
    event.preventDefault();
    const form = event.target;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "text/plain" } });
      if (!answer.ok) document.getElementById("done").textContent = (await answer.text()).trim();
    } catch {
      say("lost", "The emulator does not answer");
    }
  };
  for (const form of document.forms) form.addEventListener("submit", send);

  // It connects again by itself.
  const stream = new EventSource("events");
  stream.onopen = () => say("live", "Live");
  stream.onerror = () => say("lost", "Connection lost; trying again");
  stream.onmessage = (message) => show(JSON.parse(message.data));
  setInterval(tick, 1000);
})();

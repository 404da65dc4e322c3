// Saves the desk the reloading: shortcuts, heartbeat, announcements. Without it every form still works.
"use strict";

(() => {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const said = document.getElementById("said");
  const help = document.getElementById("help");
  const shortcuts = document.body.dataset.keys === "on";
  const HEARTBEAT = 30000;

  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["x-csrf-token"] = token;
  });

  function announce(text) {
    said.textContent = "";
    setTimeout(() => {
      said.textContent = text;
    }, 50);
  }

  function count(node, key, n) {
    return (n === 1 ? node.dataset[`${key}One`] : node.dataset[`${key}Many`]).replace("{n}", n);
  }

  // The desk knows that somebody is here for as long as a page of it is open and can reach it.
  function beat() {
    fetch("/desk/heartbeat", { method: "POST", headers: { "x-csrf-token": token, "hx-request": "true" } }).catch(
      () => {},
    );
  }
  setInterval(beat, HEARTBEAT);
  beat();

  window.desk = Object.freeze({ announce, count, token, shortcuts });

  // Shortcuts: single keys, never while somebody types, off where their owner has switched them off.
  function typing(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }

  function items() {
    return [...document.querySelectorAll("[data-item] a[data-open]")];
  }

  function step(by) {
    const links = items();
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
    links[next].focus();
  }

  function go(name) {
    const target = document.querySelector(`[data-key="${name}"]`);
    if (!target || target.disabled) return;
    const fold = target.closest("details:not([open])");
    if (fold && !target.matches("summary")) fold.open = true;
    if (target.matches("summary")) {
      target.parentElement.open = true;
      const field = target.parentElement.querySelector("textarea, input:not([type=hidden]), select, button");
      (field || target).focus();
    } else if (target.matches("input, textarea, select")) {
      target.focus();
    } else target.click();
  }

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    o: () => document.activeElement.matches("a[data-open]") && document.activeElement.click(),
    t: () => go("take"),
    r: () => go("reply"),
    n: () => go("note"),
    e: () => go("escalate"),
    "/": () => go("search"),
    q: () => location.assign("/desk"),
    "?": () => help.showModal(),
  };

  if (shortcuts) {
    document.addEventListener("keydown", (event) => {
      const other = event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
      if (other || event.defaultPrevented || help.open || typing(event.target)) return;
      const act = keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
  }
  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
})();

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

  // What is new is told by a stream while the page is looked at; without one the page asks now and then.
  // A hidden page lets go of its stream: a browser has only six connections for all pages of a site.
  const talk = document.querySelector("[data-conversation]");
  const live = document.querySelector("[data-queue], [data-conversation]");
  let stream = null;
  function follow() {
    if (document.hidden || !live) {
      stream?.close();
      stream = null;
    } else if (!stream || stream.readyState === EventSource.CLOSED) {
      const id = talk ? `?c=${encodeURIComponent(talk.dataset.conversation)}` : "";
      stream = new EventSource(`/desk/live${id}`);
      stream.addEventListener("news", () => document.body.dispatchEvent(new Event("desk:news")));
    }
  }
  document.addEventListener("visibilitychange", follow);
  follow();

  // The queue: how many are new since the page last said so.
  const queue = document.querySelector("[data-queue]");
  if (queue) {
    const ids = () => new Set([...queue.querySelectorAll("[data-item]")].map((item) => item.dataset.item));
    const title = document.title;
    let known = ids();
    let unseen = 0;
    document.addEventListener("htmx:afterSwap", (event) => {
      if (event.detail.target !== queue) return;
      const now = ids();
      const fresh = [...now].filter((id) => !known.has(id)).length;
      known = now;
      if (!fresh) return;
      announce(count(queue, "new", fresh));
      if (document.hidden) unseen += fresh;
      document.title = unseen ? `(${unseen}) ${title}` : title;
    });
    document.addEventListener("visibilitychange", () => {
      unseen = 0;
      document.title = title;
    });
  }
  for (const form of document.querySelectorAll("form[data-auto]")) {
    form.querySelector("button").hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
  }

  // The conversation: who types, what is read, new messages.
  const log = document.getElementById("log");
  const composer = document.querySelector("form[data-composer]");
  const reply = document.getElementById("reply");
  let typedAt = -Infinity;

  function last() {
    const entries = log.querySelectorAll("[data-sequence]");
    return entries.length ? Number(entries[entries.length - 1].dataset.sequence) : 0;
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
  }

  if (log) {
    let seen = last();
    let atEnd = true;
    toEnd();
    log.addEventListener("scroll", () => {
      atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    });
    document.addEventListener("htmx:configRequest", (event) => {
      if (!event.detail.elt.matches("[data-news]")) return;
      event.detail.parameters.seen = document.hasFocus() ? "1" : "0";
      event.detail.parameters.typing = performance.now() - typedAt < 4000 ? "1" : "0";
    });
    document.addEventListener("htmx:oobAfterSwap", (event) => {
      if (event.detail.target !== log) return;
      if (atEnd) toEnd();
      const fresh = [...log.querySelectorAll("[data-sequence]")].filter(
        (entry) => Number(entry.dataset.sequence) > seen && entry.dataset.kind === "customer",
      );
      seen = last();
      if (fresh.length) {
        const text = fresh[fresh.length - 1].querySelector(".bubble").textContent;
        announce(`${composer ? composer.dataset.message : ""}: ${text}`);
      }
    });
  }

  function fresh(form) {
    const id = form.elements.namedItem("message_id");
    if (id) id.value = [...crypto.getRandomValues(new Uint8Array(12))].map((n) => n.toString(16).padStart(2, "0")).join("");
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb === "post") document.getElementById("trouble").replaceChildren();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    if (!event.detail.successful || !form.matches("form")) return;
    if (form.matches("[data-composer]")) {
      reply.value = "";
      typedAt = -Infinity;
      fresh(form);
      toEnd();
      reply.focus();
    } else if (form.matches("[data-clear]")) {
      form.reset();
      form.closest("details").open = false;
    }
  });

  if (composer) {
    // A reply that is being written survives a reload of its tab; it goes when it is sent.
    const key = `desk-draft-${talk.dataset.conversation}`;
    const tab = {
      get: () => {
        try {
          return sessionStorage.getItem(key) || "";
        } catch {
          return "";
        }
      },
      set: (value) => {
        try {
          if (value) sessionStorage.setItem(key, value);
          else sessionStorage.removeItem(key);
        } catch {
          // Private windows may refuse: then the draft lasts as long as the page.
        }
      },
    };
    if (!reply.value) reply.value = tab.get();
    reply.addEventListener("input", () => {
      if (performance.now() - typedAt > 2000) document.body.dispatchEvent(new Event("desk:news"));
      typedAt = performance.now();
      tab.set(reply.value);
    });
    reply.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        composer.requestSubmit();
      }
    });
    document.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.elt === composer && event.detail.successful) tab.set("");
    });
    composer.addEventListener("click", (event) => {
      const link = event.target.closest("[data-insert]");
      if (!link) return;
      event.preventDefault();
      const before = reply.value.slice(0, reply.selectionStart);
      const gap = before && !before.endsWith("\n") && !before.endsWith(" ") ? " " : "";
      reply.setRangeText(gap + link.dataset.insert, reply.selectionStart, reply.selectionEnd, "end");
      reply.focus();
      reply.dispatchEvent(new Event("input"));
    });
  }

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

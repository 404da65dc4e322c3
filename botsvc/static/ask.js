// Keeps the page at "/" in place: sends its form, puts in what is new, remembers the conversation in this tab.
// Without this file the same form works by loading the page anew.
"use strict";

(() => {
  const form = document.getElementById("ask");
  const log = document.getElementById("log");
  const trouble = document.getElementById("trouble");
  const field = form.elements.namedItem("q");
  const fresh = form.querySelector("[data-fresh]");
  const key = "helppari";
  let busy = false;

  // Private windows and strict settings may refuse storage: then the conversation lasts as long as the page.
  const tab = {
    read() {
      try {
        return JSON.parse(sessionStorage.getItem(key) || "null");
      } catch {
        return null;
      }
    },
    write(value) {
      try {
        if (value) sessionStorage.setItem(key, JSON.stringify(value));
        else sessionStorage.removeItem(key);
      } catch {
        // nothing to do: see above
      }
    },
  };

  function hold(held) {
    form.elements.namedItem("conversation").value = held ? held.conversation : "";
    form.elements.namedItem("token").value = held ? held.token : "";
    tab.write(held && held.conversation ? held : null);
    fresh.hidden = !(held && held.conversation);
    document.body.classList.toggle("talking", !fresh.hidden);
  }

  function entry(kind, text) {
    const bubble = document.createElement("p");
    bubble.className = "bubble";
    bubble.textContent = text;
    const box = document.createElement("div");
    box.className = `entry ${kind}`;
    box.append(bubble);
    return box;
  }

  function show(node) {
    // What is shown must not end up behind the field, which stays at the bottom of the window.
    document.documentElement.style.scrollPaddingBottom = `${form.offsetHeight + 16}px`;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    node.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  }

  function complain(text) {
    trouble.replaceChildren();
    if (text instanceof Node) trouble.append(text);
    else if (text) trouble.append(Object.assign(document.createElement("p"), { textContent: text }));
    trouble.hidden = !text;
    if (text) show(trouble);
  }

  // Only ever given what our own server has rendered and cleaned.
  function parse(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  }

  function retire() {
    for (const old of log.querySelectorAll("#latest")) old.removeAttribute("id");
    for (const old of log.querySelectorAll(".buttons, .note")) old.remove();
  }

  function add(content) {
    const held = content.querySelector(".held");
    if (held) {
      held.remove();
      form.elements.namedItem("message_id").value = held.dataset.messageId;
      hold({ conversation: held.dataset.conversation, token: held.dataset.token });
    }
    const first = content.firstElementChild;
    retire();
    log.append(content);
    if (first) show(log.lastElementChild);
  }

  async function send(fields) {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "X-Fragment": "1" },
      body: new URLSearchParams(fields),
    });
    return { ok: answer.ok, status: answer.status, type: answer.headers.get("content-type") || "", html: await answer.text() };
  }

  function failed(answer) {
    if (answer.status === 410) hold(null);
    if (answer.status === 413) complain(form.dataset.tooLong);
    else if (answer.type.startsWith("text/html") && !/^\s*<!doctype/i.test(answer.html)) complain(parse(answer.html));
    else complain(form.dataset.failed);
  }

  function grow() {
    field.rows = Math.min(6, Math.max(1, field.value.split("\n").length));
  }

  async function submit(press, label) {
    const text = field.value.trim();
    if (busy || (!press && !text)) {
      field.focus();
      return;
    }
    busy = true;
    const fields = new FormData(form);
    if (press) {
      fields.set("press", press);
      fields.delete("q");
    }
    complain(null);
    const mine = entry("customer pending", press ? label : text);
    const waiting = entry("bot pending", form.dataset.busy);
    waiting.querySelector(".bubble").classList.add("busy");
    log.append(mine, waiting);
    show(waiting);
    let answer = null;
    try {
      answer = await send(fields);
    } catch {
      complain(form.dataset.offline);
    }
    mine.remove();
    waiting.remove();
    busy = false;
    if (answer && answer.ok) {
      if (!press) {
        field.value = "";
        grow();
      }
      add(parse(answer.html));
      field.focus({ preventScroll: true });
    } else if (answer) {
      failed(answer);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const pressed = event.submitter && event.submitter.name === "press" ? event.submitter : null;
    submit(pressed ? pressed.value : "", pressed ? pressed.textContent.trim() : "");
  });

  // Enter sends, Shift+Enter starts a new line; while an input method composes, Enter is its own.
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit(form.querySelector(".primary"));
    }
  });
  field.addEventListener("input", grow);

  fresh.addEventListener("click", () => tab.write(null));

  async function restore() {
    const held = tab.read();
    if (!held || !held.conversation || form.elements.namedItem("conversation").value) {
      hold(form.elements.namedItem("conversation").value
        ? { conversation: form.elements.namedItem("conversation").value, token: form.elements.namedItem("token").value }
        : null);
      return;
    }
    hold(held);
    try {
      const fields = new FormData(form);
      fields.set("restore", "1");
      fields.delete("q");
      const answer = await send(fields);
      if (answer.ok) add(parse(answer.html));
      else if (answer.status === 410) hold(null);
    } catch {
      // offline: the conversation is still known and goes on with the next message
    }
  }

  restore();
})();

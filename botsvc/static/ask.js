// Keeps the page at "/" in place: sends its forms, puts in what is new, remembers the conversation in this tab,
// and follows it while people have it. Without this file the same forms work by loading the page anew.
"use strict";

(() => {
  const form = document.getElementById("ask");
  const log = document.getElementById("log");
  const trouble = document.getElementById("trouble");
  const field = form.elements.namedItem("q");
  const fresh = form.querySelector("[data-fresh]");
  const key = "helppari";
  let busy = false;
  let last = 0; // sequence up to which everything has been shown
  let live = false; // people have the conversation: something may come at any moment
  document.documentElement.classList.add("js");
  form.elements.namedItem("time_zone").value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";

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

  // What the server has rendered comes in by its sequence: once, and in its place.
  function put(node) {
    const sequence = Number(node.dataset.sequence);
    const later = [...log.children].find((other) => other.matches(".pending") || Number(other.dataset.sequence) > sequence);
    log.insertBefore(node, later || null);
  }

  function add(content, acted) {
    const held = content.querySelector(".held");
    const request = content.querySelector("#request");
    const known = new Set([...log.querySelectorAll("[data-sequence]")].map((node) => node.dataset.sequence));
    const fresh = [...content.querySelectorAll(".entry[data-sequence]")].filter((node) => !known.has(node.dataset.sequence));
    const note = content.querySelector(".note");
    if (fresh.length) retire();
    for (const node of fresh) put(node);
    if (note && fresh.length) log.append(note);
    if (held) {
      form.elements.namedItem("message_id").value = held.dataset.messageId;
      hold({ conversation: held.dataset.conversation, token: held.dataset.token });
      last = Math.max(last, Number(held.dataset.last));
      live = held.dataset.live === "yes";
    }
    if (request) stand(request, acted);
    if (fresh.length) {
      show(log.lastElementChild);
      const standing = document.querySelector("#request:not([hidden]) .standing");
      if (standing && live) show(standing);
    }
    if (fresh.some((node) => node.matches(".person, .service"))) came(fresh);
    if (live) follow();
  }

  // Where the request stands. What the customer is filling in stays as it is.
  function stand(request, acted) {
    const now = document.getElementById("request");
    const [said, saying] = [now.querySelector(".standing"), request.querySelector(".standing")];
    if (said.textContent !== saying.textContent) said.replaceChildren(...saying.childNodes);
    const acts = now.querySelector(".acts");
    // What somebody is filling in stays; what is only unfolded stays unfolded, and keeps its focus.
    const fields = [...acts.querySelectorAll("input:not([type=hidden], [type=radio]), textarea")];
    const inUse = fields.some((field) => field === document.activeElement || field.value !== field.defaultValue);
    if (acted || !inUse || request.hidden) {
      const named = (one) => one && one.querySelector("summary").textContent;
      const open = [...acts.querySelectorAll("details[open]")].map(named);
      const focused = acts.contains(document.activeElement);
      const at = focused && named(document.activeElement.closest("details"));
      acts.replaceChildren(...request.querySelector(".acts").childNodes);
      for (const one of acts.querySelectorAll("details")) {
        one.open = !acted && open.includes(named(one));
        if (focused && !acted && named(one) === at) one.querySelector("summary").focus();
      }
      if (focused && !acted && !acts.contains(document.activeElement)) now.focus({ preventScroll: true });
    }
    now.hidden = request.hidden;
    if (acted && !now.hidden) now.focus({ preventScroll: true });
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
    fields.set("since", last);
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
    if (seen > last) refresh();
  }

  // The forms of the request: an address, a call, the end, a score.
  async function act(box, button) {
    if (busy) return;
    busy = true;
    const fields = new FormData(box);
    fields.set("message_id", `${fields.get("message_id")}-${Date.now().toString(36)}`);
    fields.set(button.name, button.value);
    fields.set("since", last);
    complain(null);
    let answer = null;
    try {
      answer = await send(fields);
    } catch {
      complain(form.dataset.offline);
    }
    busy = false;
    if (answer && answer.ok) add(parse(answer.html), true);
    else if (answer) failed(answer);
    if (seen > last) refresh();
  }

  document.addEventListener("submit", (event) => {
    const box = event.target;
    if (box === form || !box.closest("#request")) return;
    event.preventDefault();
    if (event.submitter) act(box, event.submitter);
  });

  // Following: the stream says that something has happened, the server renders what.

  let seen = 0; // sequence of the newest event that the stream has named
  let refreshing = false;
  let following = false;
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  async function refresh() {
    if (refreshing || busy) return;
    refreshing = true;
    const fields = new FormData(form);
    fields.delete("q");
    fields.set("act", "refresh");
    fields.set("since", last);
    try {
      const answer = await send(fields);
      if (answer.ok) add(parse(answer.html));
      else if (answer.status === 410) live = false;
    } catch {
      // the stream has ended as well: it comes back, and asks for what came after
    }
    refreshing = false;
    if (seen > last && live) {
      await pause(500);
      refresh();
    }
  }

  function call(path, options) {
    const id = encodeURIComponent(form.elements.namedItem("conversation").value);
    const headers = { Authorization: `Bearer ${form.elements.namedItem("token").value}`, ...options.headers };
    return fetch(`/v1/conversations/${id}/${path}`, { cache: "no-store", ...options, headers });
  }

  function tell(path, content) {
    const headers = { "Content-Type": "application/json" };
    return call(path, { method: "POST", headers, body: JSON.stringify(content), keepalive: true }).catch(() => null);
  }

  function hear(name, data) {
    if (name === "signal") {
      const typing = data.signals.find((signal) => signal.kind === "typing");
      const request = document.getElementById("request");
      status(typing ? request.dataset.typing.replace("{name}", () => typing.name) : "", typing ? typing.seconds : 0);
    } else if (data.sequence > last) {
      seen = Math.max(seen, data.sequence);
      refresh();
    }
  }

  let fading = 0;
  function status(text, seconds) {
    const line = document.querySelector("#request .typing");
    clearTimeout(fading);
    line.textContent = text;
    line.classList.toggle("busy", Boolean(seconds));
    line.hidden = !text;
    if (seconds) fading = setTimeout(() => status("", 0), (seconds + 2) * 1000);
  }

  async function listen(answer, stop) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      // The service shows every 15 s that it is there; without a sign the line is dead.
      const dead = setTimeout(() => stop.abort(), 40000);
      const { done, value } = await reader.read();
      clearTimeout(dead);
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const lines = part.split("\n");
        const of = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
        if (of("data")) hear(of("event"), JSON.parse(of("data")));
      }
    }
  }

  async function poll() {
    const answer = await call(`events?after=${last}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return answer.status;
    const page = await answer.json();
    hear("signal", page);
    if (page.events.length) hear("", page.events[page.events.length - 1]);
    return 200;
  }

  // One stream while people have the conversation; asked for in turns where streams do not come through.
  async function follow() {
    if (following) return;
    following = true;
    let failures = 0;
    let returns = 0; // how often the service was back while the stream was not
    while (live) {
      const stop = new AbortController();
      let answered = 0;
      try {
        if (failures < 3 || failures % 10 === 0) {
          const answer = await call(`events?after=${last}`, { headers: { Accept: "text/event-stream" }, signal: stop.signal });
          answered = answer.status;
          if (answer.ok) {
            if (failures) status("", 0);
            failures = returns = 0;
            await listen(answer, stop);
          } else {
            failures += 1;
          }
        } else {
          answered = await poll();
          if (answered === 200) status("", 0);
          failures += 1;
          if (answered === 200 && returns < 3) {
            // It was only away: the stream is worth another try at once.
            returns += 1;
            failures = 2;
          } else {
            await pause(4000);
          }
        }
      } catch {
        failures += 1;
        if (failures > 1) status(form.dataset.liveOff, 0);
      }
      if ([401, 403, 404].includes(answered)) break;
      await pause(1000 + Math.random() * 1000 * Math.min(failures, 5));
    }
    following = false;
  }

  // What has come is read once the window is looked at.
  let unread = 0;
  const title = document.title;
  function came(fresh) {
    unread += fresh.filter((node) => node.matches(".person")).length;
    status("", 0);
    read();
  }

  function read() {
    if (document.visibilityState !== "visible") {
      document.title = unread ? `(${unread}) ${title}` : title;
      return;
    }
    document.title = title;
    unread = 0;
    if (form.elements.namedItem("conversation").value && last) tell("read", { up_to: last });
  }

  document.addEventListener("visibilitychange", () => unread && read());

  let typed = 0;
  function types() {
    if (!live || !field.value.trim() || Date.now() - typed < 3000) return;
    typed = Date.now();
    tell("typing", { typing: true });
  }

  log.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-article]");
    if (link && form.elements.namedItem("conversation").value) {
      tell("articles/opened", { article_id: link.dataset.article, lang: link.dataset.lang || link.lang });
    }
  });

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
  field.addEventListener("input", types);

  fresh.addEventListener("click", () => tab.write(null));

  async function restore() {
    const held = tab.read();
    if (!held || !held.conversation || form.elements.namedItem("conversation").value) {
      hold(form.elements.namedItem("conversation").value
        ? { conversation: form.elements.namedItem("conversation").value, token: form.elements.namedItem("token").value }
        : null);
      const shown = log.querySelector(".held");
      if (shown) {
        last = Number(shown.dataset.last);
        live = shown.dataset.live === "yes";
        if (live) follow();
      }
      return;
    }
    hold(held);
    try {
      const fields = new FormData(form);
      fields.set("restore", "1");
      fields.delete("since");
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

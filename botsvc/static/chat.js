// Leads the page's own ways to ask into the chat. Where the chat has not come, because it was blocked or the browser
// is too old for it, forms and links do what they do without scripts.
"use strict";

(() => {
  // Looked for at each use: it comes after this, or never. During an update an older one may come that cannot do this.
  const chat = () => {
    const found = document.querySelector("helppari-chat");
    return found && typeof found.askForPerson === "function" ? found : null;
  };

  const form = document.getElementById("ask");
  if (form) {
    const field = form.elements.namedItem("q");

    form.addEventListener("submit", (event) => {
      const found = chat();
      if (!found) return;
      event.preventDefault();
      const button = event.submitter;
      if (button && button.name === "press") {
        found.askForPerson();
      } else if (field.value.trim()) {
        found.ask(field.value);
        field.value = "";
      } else {
        field.focus();
      }
    });

    // As in the chat: Enter sends, Shift+Enter starts a new line; while an input method composes, Enter is its own.
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && chat()) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
  }

  document.addEventListener("click", (event) => {
    const plain = !(event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    const found = plain && event.target.closest("a[data-chat]") && chat();
    if (!found) return;
    event.preventDefault();
    found.open();
  });

  // The style sheet makes room for the panel.
  document.addEventListener("helppari:open", () => document.body.classList.add("chatting"));
  document.addEventListener("helppari:close", () => document.body.classList.remove("chatting"));

  // Who comes back from elsewhere finds the chat open. A reload then finds it as it was left.
  document.addEventListener("DOMContentLoaded", () => {
    if (location.hash !== "#chat") return;
    history.replaceState(null, "", location.pathname + location.search);
    const found = chat();
    if (found) found.open();
  });
})();

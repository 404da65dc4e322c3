// Leads back to the conversation, in the tab whose chat holds it and in no other.
"use strict";

(() => {
  const back = document.querySelector("[data-back]");
  if (!back) return;
  try {
    const held = JSON.parse(sessionStorage.getItem(`helppari:${location.origin}:`) || "null");
    back.hidden = !(held && held.id === back.dataset.back);
  } catch {
    // no storage, no way back
  }
})();

// Leads back to the conversation, in the tab that holds its token and in no other.
"use strict";

(() => {
  const back = document.querySelector("[data-back]");
  if (!back) return;
  try {
    const held = JSON.parse(sessionStorage.getItem("helppari") || "null");
    back.hidden = !(held && held.conversation === back.dataset.back);
  } catch {
    // no storage, no way back
  }
})();

// Keys press the button they are written on. A button pressed once sends once.
"use strict";

let sent = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const target = event.target;
  if (target instanceof Element && target.closest("input, select, textarea")) return;
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (button && !button.disabled && !sent) {
    event.preventDefault();
    button.click();
  }
});

document.addEventListener("submit", (event) => {
  if (sent) event.preventDefault();
  sent = true;
});

window.addEventListener("pageshow", () => {
  sent = false;
});

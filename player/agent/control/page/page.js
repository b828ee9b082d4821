"use strict";

const now = document.getElementById("now");
const shot = document.getElementById("shot");
const watch = document.getElementById("watch");
const answer = document.getElementById("answer");

async function renew() {
  try {
    const response = await fetch("/now", { signal: AbortSignal.timeout(5000) });
    if (response.ok) now.innerHTML = await response.text(); // our own template, escaped by the server
  } catch {
    now.querySelector(".big").textContent = "The player does not answer";
  }
  setTimeout(renew, 3000);
}

function watching(on) {
  watch.setAttribute("aria-pressed", String(on));
  watch.textContent = on ? "Stop watching" : "Watch";
}

document.getElementById("shoot").addEventListener("click", () => {
  watching(false);
  shot.src = `/api/screen.jpg?${Date.now()}`;
  shot.hidden = false;
});

watch.addEventListener("click", () => {
  const on = watch.getAttribute("aria-pressed") !== "true";
  watching(on);
  shot.hidden = !on;
  shot.src = on ? `/api/screen.mjpeg?${Date.now()}` : "/icon.svg"; // another address ends the stream
});

shot.addEventListener("error", () => watching(false));

function rightOf(text) {
  if (/^\d{4,12}$/.test(text)) return { "X-Signage-Pin": text };
  const bytes = new TextEncoder().encode(`local:${text}`);
  return { Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

document.getElementById("controls").addEventListener("submit", async (event) => {
  event.preventDefault();
  const right = event.target.elements.right.value;
  const command = event.submitter.value;
  const pinned = command === "lock" || command === "unlock";
  if (command === "reboot" && !confirm("Reboot this player?")) return;
  answer.textContent = "…";
  try {
    const response = await fetch(pinned ? `/api/${command}` : "/api/command", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(pinned ? {} : rightOf(right)) },
      body: JSON.stringify(pinned ? { pin: right } : { type: command, payload: command === "identify" ? { seconds: 10 } : {} }),
      signal: AbortSignal.timeout(30000),
    });
    const body = await response.json();
    answer.textContent = body.message || body.status || (body.locked ? "Locked" : "Unlocked");
  } catch {
    answer.textContent = "The player does not answer";
  }
});

async function readInto(id) {
  const part = document.getElementById(id);
  try {
    const response = await fetch(`/${id}`, { signal: AbortSignal.timeout(30000) });
    if (response.ok) part.innerHTML = await response.text(); // our own template, escaped by the server
  } catch {
    part.textContent = "The player does not answer";
  }
}

document.getElementById("ask").addEventListener("click", () => readInto("why"));

document.getElementById("setting").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, value, right } = event.target.elements;
  const outcome = document.getElementById("outcome");
  outcome.textContent = "…";
  try {
    const response = await fetch(`/api/settings/${encodeURIComponent(name.value)}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...rightOf(right.value) },
      body: JSON.stringify({ value: value.value }),
      signal: AbortSignal.timeout(30000),
    });
    const body = await response.json();
    outcome.textContent = body.message || body.outcome;
  } catch {
    outcome.textContent = "The player does not answer";
  }
  readInto("settings");
});

readInto("settings");
setTimeout(renew, 3000);

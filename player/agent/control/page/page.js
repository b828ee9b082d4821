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
  const bytes = new TextEncoder().encode(`local:${text}`);
  const password = { Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
  return /^\d{4,12}$/.test(text) ? { ...password, "X-Signage-Pin": text } : password; // digits may be either
}

async function order(path, right, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...rightOf(right) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30000),
    });
  } catch {
    return { message: "The player does not answer" };
  }
  try {
    return await response.json();
  } catch {
    return { message: `The player is busy (${response.status}); try again` };
  }
}

document.getElementById("controls").addEventListener("submit", async (event) => {
  event.preventDefault();
  const command = event.submitter.value;
  if (command === "reboot" && !confirm("Reboot this player?")) return;
  answer.textContent = "…";
  const payload = command === "identify" ? { seconds: 10 } : {};
  const said = await order("/api/command", event.target.elements.right.value, { type: command, payload });
  answer.textContent = said.message || said.status;
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
  const said = await order(`/api/settings/${encodeURIComponent(name.value)}`, right.value, { value: value.value });
  outcome.textContent = said.message || said.outcome;
  readInto("settings");
});

readInto("settings");
setTimeout(renew, 3000);

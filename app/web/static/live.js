// Asks every two seconds whether the figures have changed, and shows what the server made of them.
const live = document.getElementById("live");
const lost = document.getElementById("lost");
let etag = "";
let timer = 0;

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch("/live" + location.search, { headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (answer.status === 401 || answer.status === 403) return location.reload();
    if (answer.status === 200) {
      etag = answer.headers.get("ETag");
      live.innerHTML = await answer.text();
    }
    lost.hidden = answer.ok || answer.status === 304;
  } catch {
    lost.hidden = false;
  }
  timer = setTimeout(refresh, 2000);
}

document.addEventListener("visibilitychange", refresh);
timer = setTimeout(refresh, 2000);

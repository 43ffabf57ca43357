// What htmx leaves to the page: when to ask, and what to do when no answer comes.
const lost = document.getElementById("lost");
const shown = new WeakMap();
const polls = (element) => element.matches("[hx-trigger^='every']");

document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (!polls(sourceElement)) return;
  request.headers["Jongnyang-Poll"] = "1"; // the session becomes idle although the page goes on asking
  if (document.hidden) event.preventDefault();
});

document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response, request, text } = event.detail.ctx;
  const loggedOut = response.raw.redirected || response.status === 401 || response.status === 403;
  if (polls(sourceElement)) {
    if (loggedOut) location.reload();
    lost.hidden = response.status === 200;
    if (response.status !== 200 || text === shown.get(sourceElement)) event.preventDefault(); // nothing to swap
    else shown.set(sourceElement, text);
  } else if (loggedOut || response.status >= 500) {
    event.preventDefault();
    location.assign(request.action); // the whole page of what the server says
  }
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (!ctx) return;
  if (polls(ctx.sourceElement)) lost.hidden = false;
  else location.assign(ctx.request.action); // the browser says what is wrong
});

// A morph would open and close details as the server sends them; the reader decides.
htmx.registerExtension("keep-open", {
  htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.tagName === "DETAILS"),
});

// What htmx leaves to the page: when to ask, and what to do when no answer comes.
const live = document.getElementById("live"); // refreshes itself every two seconds
const lost = document.getElementById("lost");
let shown = "";

document.addEventListener("htmx:config:request", (event) => {
  if (event.detail.ctx.sourceElement === live && document.hidden) event.preventDefault();
});

document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response, request, text } = event.detail.ctx;
  const loggedOut = response.raw.redirected || response.status === 401 || response.status === 403;
  if (sourceElement !== live) {
    if (!loggedOut && response.status < 500) return;
    event.preventDefault();
    location.assign(request.action); // the whole page of what the server says
  } else if (loggedOut) {
    location.reload();
  } else {
    lost.hidden = response.status === 200;
    if (response.status !== 200 || text === shown) event.preventDefault(); // nothing to swap
    shown = text;
  }
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (ctx?.sourceElement === live) lost.hidden = false;
  else if (ctx) location.assign(ctx.request.action); // the browser says what is wrong
});

// A morph would open and close details as the server sends them; the reader decides.
htmx.registerExtension("keep-open", {
  htmx_before_morph_attr: (element, { attrName }) => !(attrName === "open" && element.tagName === "DETAILS"),
});

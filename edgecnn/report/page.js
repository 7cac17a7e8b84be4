"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const tip = document.getElementById("tip"), detail = document.getElementById("detail");
const all = (query, from = document) => Array.from(from.querySelectorAll(query));
const make = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};
const light = (number, on) => all(`[data-point="${number}"]`).forEach(each => each.classList.toggle("lit", on));

all("circle[data-point]").forEach(circle => {
  const number = circle.dataset.point;
  circle.addEventListener("pointerenter", event => {
    light(number, true);
    tip.textContent = data[number].tip;
    tip.hidden = false;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 14 + tip.offsetHeight < innerHeight;
    tip.style.left = Math.max(8, x) + "px";
    tip.style.top = (below ? event.clientY + 14 : event.clientY - tip.offsetHeight - 14) + "px";
  });
  circle.addEventListener("pointerleave", () => { light(number, false); tip.hidden = true; });
  circle.addEventListener("click", () => show(number));
});
all("tbody tr[data-point]").forEach(row => {
  const number = row.dataset.point;
  ["pointerenter", "focusin"].forEach(name => row.addEventListener(name, () => light(number, true)));
  ["pointerleave", "focusout"].forEach(name => row.addEventListener(name, () => light(number, false)));
  row.querySelector("th button").addEventListener("click", () => show(number));
});
addEventListener("keydown", event => { if (event.key === "Escape") tip.hidden = true; });

all("table.points").forEach(table => all("thead th", table).forEach((head, column) => {
  const button = head.querySelector("button");
  if (!button) return;
  button.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    all("thead th", table).forEach(each => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.children[column].dataset.value;
    const compare = (a, b) => {
      const one = key(a), other = key(b);
      if (one === "" || other === "") return (one === "") - (other === "");
      const order = isNaN(one) || isNaN(other) ? one.localeCompare(other) : one - other;
      return up ? order : -order;
    };
    const body = table.tBodies[0];
    all("tr", body).sort(compare).forEach(row => body.append(row));
  });
}));

let opener = null;
const back = () => { detail.hidden = true; if (opener) opener.focus(); };
detail.addEventListener("keydown", event => { if (event.key === "Escape") back(); });

function show(number) {
  const point = data[number], heading = make("h2", point.title), close = make("button", "Back to the table", "back");
  heading.id = "chosen";
  opener = document.querySelector(`tr[data-point="${number}"] th button`);
  close.type = "button";
  close.addEventListener("click", back);
  detail.replaceChildren(heading, close);
  detail.append(make("p", point.tip.split("\n").slice(1).join(" · ")));
  point.facts.forEach(fact => detail.append(make("p", fact, "soft")));
  if (point.commands.length) {
    detail.append(make("h3", "Commands that make it anew"), make("pre", point.commands.join("\n")));
  }
  detail.append(make("h3", "Cost by layer, computed"));
  const table = make("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  table.append(make("caption", "Layers of what ships, in the order in which they run"));
  ["layer", "kind", "output", "mult-adds", "parameters", "weights, B", "activations, B"].forEach(name => {
    const cell = make("th", name);
    cell.scope = "col";
    head.append(cell);
  });
  const most = Math.max(1, ...point.layers.map(layer => layer[3] || 0));
  point.layers.forEach(layer => {
    const row = body.insertRow();
    const name = make("th", layer[0]);
    name.scope = "row";
    row.append(name);
    layer.slice(1).forEach((value, at) => {
      const cell = row.insertCell();
      if (at < 2) cell.className = "text";
      if (at === 2 && value) {
        const bar = make("span", undefined, "bar");
        bar.style.width = Math.max(1, 90 * value / most) + "px";
        cell.append(bar);
      }
      cell.append(value === null ? "unknown" : typeof value === "number" ? value.toLocaleString("en") : value);
    });
  });
  const scroll = make("div", undefined, "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "Cost by layer");
  scroll.append(table);
  detail.append(scroll);
  detail.hidden = false;
  detail.focus();
}
all("input.layer").forEach(box => box.addEventListener("change", () => {
  all("[data-layer]", box.closest("section")).forEach(each => {
    each.hidden = (each.dataset.layer === "published") !== box.checked;
  });
}));

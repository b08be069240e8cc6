"use strict";
// The sample browser: filters over all rows, a page of them in the document at a time. Whatever the data says is only
// ever set as text. The rows lie in the page (samples.py); the pieces of a row are cloned from a template.
(function () {
  const PAGE = 10;
  const element = (id) => document.getElementById(id);
  const source = element("sample-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const form = element("filters");
  const picked = (name) => form.elements[name].value;
  const against = () => (form.elements.against ? picked("against") : data.against);
  let shown = [];
  let first = 0;

  const gain = (row) => (row.g || {})[against()];
  const notes = (row, who) => (row.n || {})[who] || [];
  const outcomes = {
    all: () => true,
    win: (row) => gain(row) > 0,
    loss: (row) => gain(row) < 0,
    tie: (row) => gain(row) === 0,
    "new refusal": (row) => notes(row, "tuned").includes("refusal") && !notes(row, against()).includes("refusal"),
  };
  for (const note of ["refusal", "cut", "nothing found"]) {
    outcomes[note] = (row) => notes(row, "tuned").includes(note);
  }

  function words(row) {
    if (row.words === undefined) {
      const texts = [row.id, row.p, ...(row.r || []), ...Object.values(row.a || {})];
      row.words = texts.join("\n").toLowerCase();
    }
    return row.words;
  }

  function apply() {
    const sought = picked("words").trim().toLowerCase();
    const fits = outcomes[picked("outcome")];
    const wanted = { s: picked("suite"), t: picked("task"), l: picked("language") };
    const same = (row) => Object.keys(wanted).every((key) => !wanted[key] || row[key] === wanted[key]);
    shown = data.rows.filter((row) => fits(row) && same(row) && (!sought || words(row).includes(sought)));
    const way = picked("order") === "best" ? -1 : 1;
    const rank = (row) => (gain(row) === undefined ? Infinity : gain(row) * way);
    shown.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
    first = 0;
    draw();
  }

  function draw() {
    const last = Math.min(first + PAGE, shown.length);
    element("samples-list").replaceChildren(...shown.slice(first, last).map(article));
    const range = shown.length ? (first + 1).toLocaleString("en") + "–" + last.toLocaleString("en") + " of " : "";
    element("count").textContent = range + shown.length.toLocaleString("en") + (shown.length === 1 ? " row" : " rows");
    element("earlier").disabled = first === 0;
    element("later").disabled = last >= shown.length;
  }

  function article(row) {
    const made = element("sample").content.firstElementChild.cloneNode(true);
    const part = (name) => made.querySelector("." + name);
    const difference = gain(row);
    const word = difference > 0 ? "win" : difference < 0 ? "loss" : difference === 0 ? "tie" : "not scored";
    part("outcome").textContent = word;
    part("outcome").classList.add({ win: "good", loss: "bad" }[word] || "soft");
    part("where").textContent = [row.s, row.t === row.s ? "" : row.t, row.l].filter(Boolean).join(" · ");
    part("row-id").textContent = row.id;
    part("prompt-text").textContent = row.p || "";
    part("reference-text").textContent = (row.r || []).join("\n— or —\n");
    if (!row.r) part("reference").remove();
    for (const [who, answer] of Object.entries(row.a || {})) part("answers").append(box(row, who, answer));
    part("scores").textContent = Object.entries(row.m || {}).map(scores).join(" · ");
    return made;
  }

  function box(row, who, answer) {
    const made = element("answer").content.firstElementChild.cloneNode(true);
    made.querySelector(".who").textContent = [who, ...notes(row, who)].join(" · ");
    made.querySelector(".text").textContent = answer || "(no answer)";
    return made;
  }

  function scores([metric, values]) {
    const told = ["base", "champion", "tuned"].filter((who) => who in values).map((who) => who + " " + values[who]);
    return metric + ": " + told.join(", ");
  }

  function turn(by) {
    first = Math.min(Math.max(0, first + by), Math.max(0, shown.length - 1));
    draw();
    element("samples").scrollIntoView();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  element("earlier").addEventListener("click", () => turn(-PAGE));
  element("later").addEventListener("click", () => turn(PAGE));
  for (const link of document.querySelectorAll("[data-outcome], [data-task]")) {
    link.addEventListener("click", () => {
      form.reset();
      if (link.dataset.outcome) form.elements.outcome.value = link.dataset.outcome;
      if (link.dataset.task) form.elements.task.value = link.dataset.task;
      apply();
    });
  }
  form.hidden = false;
  apply();
})();

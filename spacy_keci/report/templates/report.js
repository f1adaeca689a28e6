"use strict";
// Filters of the documents in a section: by kind, by label and by words; a card stays if one of its chips fits.
for (const section of document.querySelectorAll("section.filtered")) {
  const [kind, label, order] = section.querySelectorAll("select");
  const words = section.querySelector("input");
  const list = section.querySelector(".cards");
  const cards = [...list.children];

  const update = () => {
    const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0, chips = 0;
    for (const card of cards) {
      const text = card.dataset.text.toLowerCase();
      let fitting = 0;
      for (const chip of card.querySelectorAll(".chips li")) {
        const fits = (!kind.value || chip.dataset.kind === kind.value)
          && (!label.value || JSON.parse(chip.dataset.labels).includes(label.value));
        chip.classList.toggle("other", !fits);
        if (fits) fitting += Number(chip.dataset.count);
      }
      card.hidden = !fitting || !wanted.every(word => text.includes(word));
      shown += !card.hidden;
      chips += card.hidden ? 0 : fitting;
    }
    section.querySelector("output").textContent = `${shown} of ${cards.length} documents, ${chips} ${section.dataset.items}`;
  };

  const sort = () => {
    const key = order.value;
    const value = card => key === "place" ? -cards.indexOf(card) : Number(card.dataset[key]);
    list.append(...[...cards].sort((a, b) => value(b) - value(a)));
  };

  section.show = (newKind, newLabel) => {
    kind.value = newKind;
    label.value = newLabel;
    words.value = "";
    update();
    section.scrollIntoView();
  };
  for (const control of [kind, label]) control.addEventListener("change", update);
  words.addEventListener("input", update);
  order.addEventListener("change", sort);
  section.querySelector("button").addEventListener("click", () => section.show("", ""));
  update();
}

// Numbers and labels in the tables lead to the documents behind them.
for (const link of document.querySelectorAll("[data-show-label]")) {
  link.addEventListener("click", event => {
    event.preventDefault();
    document.getElementById("errors").show(link.dataset.showKind, link.dataset.showLabel);
  });
}

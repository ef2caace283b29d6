// Searches the index, which is fetched when the first letter is typed.
const query = document.getElementById("query");
const found = document.getElementById("found");
let index;

query.addEventListener("input", async () => {
  index ??= fetch("/index.json").then((answer) => answer.json());
  const words = query.value.toLowerCase();
  const pages = (await index).filter(({ title, text }) => `${title} ${text}`.toLowerCase().includes(words));
  found.hidden = words === "";
  found.replaceChildren(...pages.map(({ title, url }) => {
    const link = Object.assign(document.createElement("a"), { href: url, textContent: title });
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
});

// The book made by mdBook: see mdbook/.

export default async function look(page) {
  await page.open("/");
  await page.see("h1", "Before you begin");
  await page.holds("[...document.fonts].some(({ family, status }) => family.includes('Open Sans') && status === 'loaded')");
  await page.click("main a[href='starter.html']");
  await page.arrive("/starter.html");
  await page.see("table", "throw half away");
  await page.click("main a[href$='#stiff-starters']");
  await page.arrive("/hydration.html#stiff-starters");
  await page.see("code.language-rust .hljs-keyword", "fn");
  await page.picture("code");

  // The table of contents is a program; an image with an XML declaration.
  await page.click(".sidebar a[href$='dough.html']");
  await page.arrive("/dough.html");
  await page.seeImages(1);
  await page.picture("image");

  // Search: the index is loaded when it is needed.
  await page.click("#mdbook-search-toggle");
  await page.type("#mdbook-searchbar", "banneton");
  await page.see("#mdbook-searchresults", "a basket that gives the loaf its rings");
  await page.picture("search");
  await page.click("#mdbook-searchresults a");
  await page.arrive("/words.html?highlight=banneton#words");
  await page.see("mark", "Banneton");
  await page.see("main", "хлебный мякиш");

  // All chapters in one.
  await page.open("/print.html");
  await page.see("main", "a basket that gives the loaf its rings");

  // A chapter that has moved is a page that leads on.
  await page.go("/sourdough.html");
  await page.arrive("/starter.html");

  await page.open("/none", 404);
  await page.see("h1", "Document not found");
}

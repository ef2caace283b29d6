// The field guide made by Astro, with the search of Pagefind: see astro/.

export default async function look(page) {
  await page.open("/");
  await page.see("h1", "Trees");
  await page.seeStyle("header", "borderBottomColor", "rgb(56, 118, 29)");
  await page.seeImages(1);
  await page.holds("document.images[0].currentSrc.endsWith('.avif')");
  await page.picture("home");

  // Links that were fetched ahead, and are followed by exchanging parts of the page.
  await page.holds("Boolean(globalThis.kept = 1)");
  await page.click("a[href='/trees/larch/']");
  await page.arrive("/trees/larch/");
  await page.see("main", "The conifer that is bare in winter.");
  await page.holds("globalThis.kept === 1");
  await page.back();
  await page.arrive("/");
  await page.see("li", "Sorbus aucuparia");

  // Search: a worker and WebAssembly over an index in pieces.
  await page.click("a[href='/search/']");
  await page.arrive("/search/");
  await page.see("h1", "Search");
  await page.type("#query", "waxwings");
  await page.see("#found mark", "waxwings");
  await page.picture("search");
  await page.click("#found a");
  await page.arrive("/trees/rowan/");
  await page.see("h2", "The leaf");

  await page.open("/trees/none/", 404);
  await page.see("h1", "Not found");
}

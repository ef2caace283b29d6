// The application built by Vite: see vite/.

export default async function look(page) {
  page.hasRoutes = true;
  await page.open("/");
  await page.see("li", "Neptune");
  await page.seeImages(1);
  await page.seeStyle("header", "borderBottomColor", "rgb(252, 163, 17)");
  await page.holds("document.fonts.check('18px \"Fira Mono\"') && [...document.fonts].some(({ status }) => status === 'loaded')");

  // A chunk that is loaded late, with a style of its own, and WebAssembly while it streams.
  await page.click("a[href='/planets/saturn']");
  await page.arrive("/planets/saturn");
  await page.see("h1", "Saturn");
  await page.see("p", "4777 seconds");
  await page.seeStyle(".disc", "borderRadius", "50%");
  await page.picture("planet");

  // A worker.
  await page.click("a[href='/orbits']");
  await page.arrive("/orbits");
  await page.see("td", "165.8 years");

  // History.
  await page.back();
  await page.arrive("/planets/saturn");
  await page.see("h1", "Saturn");

  // Routes that are asked of the server: the fallback of webroot.toml.
  await page.open("/planets/saturn");
  await page.see("p", "4777 seconds");
  await page.open("/moons/titan");
  await page.see("h1", "No planet at /moons/titan");

  // A chunk of an earlier build is not there, and must not be answered with a page.
  await page.open("/assets/index-00000000.js", 404);
}

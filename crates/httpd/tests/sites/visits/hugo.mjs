// The journal made by Hugo: see hugo/.

export default async function look(page) {
  await page.open("/");
  await page.see("h1", "Lights of the coast");
  await page.seeStyle("header", "borderBottomColor", "rgb(11, 57, 84)");
  await page.click("a[rel=next]");
  await page.arrive("/page/2/");
  await page.see(".notes", "Cordouan");

  // A page with an image that Hugo made smaller, in another format, and coloured code.
  await page.click(".notes a[href*=cordouan]");
  await page.arrive("/posts/cordouan/");
  await page.seeImages(1);
  await page.holds("document.images[0].currentSrc.endsWith('.webp')");
  await page.see("pre", "Oc(2+1) 12s");
  await page.picture("article");

  // Terms of a taxonomy, with names that are escaped in a URL.
  await page.click("a[href*=lenses]");
  await page.arrive("/tags/lenses-lamps/");
  await page.open("/tags/");
  await page.click("a.tag[href*='c++']");
  await page.arrive("/tags/c++/");
  await page.click(".notes a");
  await page.arrive("/posts/c++/");
  await page.open("/posts/%c3%aele-de-sein/");
  await page.see("h1", "Île de Sein");
  await page.click("a[href*=phare]");
  await page.arrive("/tags/phare-isol%C3%A9/");

  // Search: an index in JSON.
  await page.type("#query", "winst");
  await page.see("#found", "Four towers on the Eddystone");
  await page.picture("search");
  await page.click("#found a");
  await page.arrive("/posts/eddystone/");

  // An alias, which is a page that leads on; a directory without its slash.
  await page.go("/cordouan");
  await page.arrive("/posts/cordouan/");

  // The feeds and the map of the site are XML.
  for (const [path, name] of [["/index.xml", "item"], ["/tags/towers/index.xml", "item"], ["/sitemap.xml", "url"]]) {
    await page.holds(`fetch("${path}").then((answer) => answer.text()).then((text) =>
      new DOMParser().parseFromString(text, "application/xml").querySelector("${name}"))`);
  }

  await page.open("/posts/none/", 404);
  await page.see("h1", "Out of sight");
  await page.seeStyle("header", "borderBottomColor", "rgb(11, 57, 84)");
}

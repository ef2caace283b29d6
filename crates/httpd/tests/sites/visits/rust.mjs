// The documentation that comes with Rust: rustdoc's and mdBook's pages, 50,000 files.

export default async function look(page) {
  // The examples of the books can be run, by a server of the Rust project. The first page names no
  // icon, and there is none in the usual place.
  page.inVain = ["https://play.rust-lang.org/", "/favicon.ico"];
  // rustdoc asks for its fonts ahead without saying `crossorigin`, and so they are not used. mdBook
  // does not expect that the server of the examples can't be reached.
  page.mistakes = ["preload", "fetch_with_timeout"];

  await page.open("/");
  await page.see("h1", "Rust Documentation");
  await page.open("/std/");
  await page.see("h1", "Crate std");
  await page.seeStyle(".sidebar", "backgroundColor", "rgb(245, 245, 245)");
  await page.holds("[...document.fonts].some(({ family, status }) => family.includes('Fira Sans') && status === 'loaded')");
  await page.open("/std/vec/struct.Vec.html#method.push");
  await page.see("h1", "Struct Vec");
  await page.picture("struct");

  // The source, with the tree of files beside it, which a script makes.
  await page.click(".main-heading a.src");
  await page.arrive(/^\/src\/alloc\/vec\/mod\.rs\.html#[0-9]+$/);
  await page.see("pre.rust", "pub struct Vec");
  await page.picture("source");

  // Search: an index in thousands of pieces, of which few are asked for.
  await page.open("/std/");
  await page.click("#search-button a");
  await page.type(".search-input", "hashmap");
  await page.see("#results a", "std::collections::HashMap");
  await page.see("#search-tabs .count:not(.loading)", "(");
  await page.picture("search");
  await page.click("#results a[href$='/struct.HashMap.html']");
  await page.arrive("/std/collections/struct.HashMap.html");

  // The book, made by mdBook.
  await page.open("/book/");
  await page.see("h1", "The Rust Programming Language");
  await page.click("a.next");
  await page.arrive("/book/foreword.html");
  await page.open("/book/ch02-00-guessing-game-tutorial.html");
  await page.see("code .hljs-keyword", "fn");
  await page.picture("book");

  await page.open("/std/none.html", 404);
}

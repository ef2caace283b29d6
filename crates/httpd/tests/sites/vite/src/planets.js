let planets;

/** The planets, fetched once. */
export function load() {
  planets ??= fetch("/planets.json").then((answer) => answer.json());
  return planets;
}

import { useEffect, useState } from "preact/hooks";

import { load } from "./planets.js";
import "./planet.css";

/** The seconds that light takes for kilometres, as WebAssembly computes them. */
async function seconds(distance) {
  const { instance } = await WebAssembly.instantiateStreaming(fetch("/light.wasm"));
  return instance.exports.seconds(distance);
}

export default function Planet({ name }) {
  const [planet, setPlanet] = useState();
  useEffect(() => {
    load().then(async (planets) => {
      const found = planets.find((planet) => planet.name.toLowerCase() === name);
      setPlanet(found && { ...found, light: await seconds(found.distance) });
    });
  }, [name]);
  if (!planet) return <h1>…</h1>;
  return (
    <article class="planet">
      <h1>{planet.name}</h1>
      <div class="disc" style={{ width: `${Math.sqrt(planet.radius)}px` }} />
      <p>The light of the sun is {Math.round(planet.light)} seconds old when it arrives.</p>
    </article>
  );
}

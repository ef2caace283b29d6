import { useEffect, useState } from "preact/hooks";

import { load } from "./planets.js";

export default function Orbits() {
  const [years, setYears] = useState([]);
  useEffect(() => {
    const worker = new Worker(new URL("./kepler.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => setYears(data);
    load().then((planets) => worker.postMessage(planets));
    return () => worker.terminate();
  }, []);
  return (
    <>
      <h1>Orbits</h1>
      <table>
        {years.map(({ name, year }) => (
          <tr key={name}>
            <th>{name}</th>
            <td>{year.toFixed(1)} years</td>
          </tr>
        ))}
      </table>
    </>
  );
}

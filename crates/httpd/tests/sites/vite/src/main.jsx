import "@fontsource/fira-mono/latin-400.css";
import { render } from "preact";
import { ErrorBoundary, LocationProvider, Router, lazy } from "preact-iso";

import List from "./list.jsx";
import saturn from "./saturn.svg";
import "./style.css";

const Planet = lazy(() => import("./planet.jsx"));
const Orbits = lazy(() => import("./orbits.jsx"));

function Missing({ path }) {
  return <h1>No planet at {path}</h1>;
}

function App() {
  return (
    <LocationProvider>
      <header>
        <img src={saturn} alt="" width="48" height="48" />
        <nav>
          <a href="/">Planets</a> <a href="/orbits">Orbits</a>
        </nav>
      </header>
      <main>
        <ErrorBoundary>
          <Router>
            <List path="/" />
            <Planet path="/planets/:name" />
            <Orbits path="/orbits" />
            <Missing default />
          </Router>
        </ErrorBoundary>
      </main>
    </LocationProvider>
  );
}

render(<App />, document.getElementById("app"));

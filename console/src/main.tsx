import { render } from "preact";
import { App } from "./app";
import { resume } from "./state/session";
import "./styles.css";

const root = document.getElementById("console");
if (root !== null) {
  render(<App />, root);
  void resume();
}

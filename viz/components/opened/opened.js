import { keep } from "../opened.js";

export default function ({ data }) {
  keep(data.path);
}

// The texts of the Explorer's page.
import { wordsOf } from "../words.js";

export const { load, say } = wordsOf("surrogate_explorer");

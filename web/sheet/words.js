// The texts of a sheet that can be clicked.
import { wordsOf } from "../words.js";

export const { load, say } = wordsOf("surrogate_sheet");

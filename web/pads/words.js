// The texts of the pads.
import { wordsOf } from "../words.js";

export const { load, say } = wordsOf("surrogate_pad");

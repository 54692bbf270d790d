// The texts of Pick's page.
import { wordsOf } from "../words.js";

export const { load, say } = wordsOf("surrogate_pick");

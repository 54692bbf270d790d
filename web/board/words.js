// The texts of the board.
import { wordsOf } from "../words.js";

export const { load, say } = wordsOf("surrogate_board");

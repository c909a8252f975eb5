import { copyButtons } from "./common.js";

copyButtons();

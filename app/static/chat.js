// The page around the conversation that Gradio draws; what each part does is said in its file.

import { choiceNodes, choose, showChoice } from "./chat/choosing.js";
import "./chat/feedback.js";
import "./chat/gradio.js";
import { allDocuments } from "./chat/page.js";
import "./chat/pane.js";
import "./chat/quotes.js";
import { saveMenu } from "./chat/saving.js";
import { troubleNode } from "./chat/status.js";

document.getElementById("bar").append(...choiceNodes(), saveMenu(), troubleNode());

const asked = new URLSearchParams(location.search).get("documents");
if (asked) choose(asked.split(","));
allDocuments().then(showChoice, showChoice);

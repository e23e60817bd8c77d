// Says why the daemon took a card back, once for each time.

import { plain } from "./markup.js";
import { toast } from "./toast.js";

const shown = new Map(); // issue id and time -> replaces the message's text
let first = true;

// renderReturned shows a message for each card that came back since the page
// was opened. The daemon's comment may follow its move, so the message waits
// for the comment.
export function renderReturned(cards) {
  for (const card of cards) {
    const back = card.returned;
    if (!back?.why) continue;
    const key = `${card.id} ${back.at}`;
    const text = plain(back.why);
    if (first) shown.set(key, () => {});
    else if (shown.has(key)) shown.get(key)(text);
    else shown.set(key, toast(text, { title: `${card.key} is back in ${back.to}`, tone: "returned" }));
  }
  first = false;
}

// A chat with the model that the host has for this Space. The host streams lines of JSON: {"text"} for each piece, and at the
// end {"done", "tokens", "tokens_per_s"} or {"error"}.

const MAX_TOKENS = 512;
// What is sent of the conversation: as much of its end as a small model can take in.
const MAX_CHARACTERS = 5000;

const element = (id) => document.getElementById(id);
const [log, form, question, send, stop, status] = ["log", "ask", "question", "send", "stop", "status"].map(element);

let messages = [];
let running = null;
let maxTokens = MAX_TOKENS;

async function begin() {
  try {
    const about = await (await fetch("api/space")).json();
    maxTokens = Math.min(MAX_TOKENS, about.limits.max_tokens);
    const where = about.models.by === "jobs" ? "by paid jobs" : `on this device (${about.models.device})`;
    element("model").textContent = `${about.models.names.text_model}, ${where}`;
  } catch {
    element("model").textContent = "The host does not answer: start the Space again.";
  }
}

function turn(role, text) {
  element("empty")?.remove();
  const box = document.createElement("div");
  box.className = `turn ${role}`;
  const name = document.createElement("span");
  name.className = "hidden";
  name.textContent = role === "user" ? "You: " : "Model: ";
  const body = document.createElement("p");
  body.textContent = text;
  if (role === "user") {
    box.append(name, text);
  } else {
    box.append(name, body);
  }
  log.append(box);
  log.scrollTop = log.scrollHeight;
  return { box, body };
}

function remark(box, text, isWrong = false) {
  const line = document.createElement("p");
  line.className = isWrong ? "faint wrong" : "faint";
  line.textContent = text;
  box.append(line);
  status.textContent = text;
}

function recent() {
  let left = MAX_CHARACTERS;
  let first = messages.length - 1;
  left -= messages[first].content.length;
  while (first > 0 && left - messages[first - 1].content.length > 0) {
    first -= 1;
    left -= messages[first].content.length;
  }
  // A conversation begins with its user.
  while (messages[first].role !== "user") {
    first += 1;
  }
  return messages.slice(first);
}

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) {
      yield JSON.parse(part);
    }
  }
}

async function answer() {
  // A new chat may begin before this answer ends.
  const conversation = messages;
  const { box, body } = turn("assistant", "");
  box.classList.add("waiting");
  running = new AbortController();
  busy(true);
  let text = "";
  try {
    const response = await fetch("api/chat", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages: recent(), max_tokens: maxTokens }),
      signal: running.signal,
    });
    if (!response.ok) {
      throw new Error((await response.json()).error);
    }
    let ended = false;
    for await (const line of lines(response)) {
      if (line.error) {
        throw new Error(line.error);
      }
      if (line.done) {
        ended = true;
        const speed = line.tokens_per_s > 0 ? `, ${line.tokens_per_s.toFixed(1)} tokens/s` : "";
        remark(box, `${line.tokens} tokens${speed}`);
      } else {
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
        text += line.text;
        body.textContent = text;
        if (isAtEnd) {
          log.scrollTop = log.scrollHeight;
        }
      }
    }
    if (!ended) {
      throw new Error("The host went away in the middle of the answer.");
    }
  } catch (error) {
    if (error.name === "AbortError") {
      remark(box, "Stopped.");
    } else {
      remark(box, error.message, true);
    }
  }
  box.classList.remove("waiting");
  log.scrollTop = log.scrollHeight;
  if (text) {
    conversation.push({ role: "assistant", content: text });
  } else {
    // Without an answer the question is not part of what is sent next.
    conversation.pop();
  }
  running = null;
  busy(false);
}

function busy(isBusy) {
  send.hidden = isBusy;
  stop.hidden = !isBusy;
  if (!isBusy) {
    question.focus();
  }
}

function fit() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight + 2}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || running) {
    return;
  }
  question.value = "";
  fit();
  messages.push({ role: "user", content: text });
  turn("user", text);
  answer();
});

question.addEventListener("input", fit);
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

stop.addEventListener("click", () => running?.abort());

element("anew").addEventListener("click", () => {
  running?.abort();
  messages = [];
  log.replaceChildren();
  status.textContent = "A new chat.";
  question.focus();
});

begin();

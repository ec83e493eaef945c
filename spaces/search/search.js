// Asks the host, which alone reads the user's folder, for the passages that are closest to a question.

const element = (id) => document.getElementById(id);
const [about, progress, form, query, go, said, hits] = ["about", "progress", "ask", "query", "go", "said", "hits"].map(element);

const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
let asked = 0;

// Looks again until the index is ready, or cannot become so.
async function watch() {
  let index;
  try {
    index = await (await fetch("api/index")).json();
  } catch {
    about.textContent = "The host does not answer: start the Space again.";
    return;
  }
  progress.hidden = index.state !== "building";
  switch (index.state) {
    case "building":
      progress.max = Math.max(index.total, 1);
      progress.value = index.done;
      about.textContent = index.total
        ? `Reading ${index.folder}: ${index.done} of ${count(index.total, "file", "files")}`
        : `Looking through ${index.folder}`;
      setTimeout(watch, 400);
      return;
    case "ready": {
      const over = index.passed_over ? `; ${count(index.passed_over, "file was", "files were")} too large or too many` : "";
      about.textContent = `${index.folder}: ${count(index.files, "file", "files")}, ${count(index.passages, "passage", "passages")}${over}`;
      query.disabled = false;
      go.disabled = false;
      query.focus();
      return;
    }
    case "no_folder":
      about.textContent = "No folder is open. Start the Space with --folder and the folder that it may search.";
      return;
    default:
      about.textContent = index.why ?? index.error;
      about.classList.add("wrong");
  }
}

function shown(hit) {
  const item = document.createElement("li");
  const where = document.createElement("div");
  where.className = "where";
  const file = document.createElement("h2");
  file.className = "file";
  const line = document.createElement("span");
  line.textContent = `, line ${hit.line}`;
  file.append(hit.file, line);
  const meter = document.createElement("meter");
  meter.value = Math.max(0, hit.score);
  meter.title = `closeness ${hit.score.toFixed(2)} of 1`;
  meter.textContent = hit.score.toFixed(2);
  where.append(file, meter);
  const passage = document.createElement("blockquote");
  passage.textContent = hit.text;
  passage.tabIndex = 0;
  item.append(where, passage);
  return item;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = query.value.trim();
  if (!text) {
    return;
  }
  const mine = ++asked;
  const started = performance.now();
  said.classList.remove("wrong");
  said.textContent = "Searching";
  try {
    const response = await fetch("api/search", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: text, limit: 20 }),
    });
    const answer = await response.json();
    if (mine !== asked) {
      return;
    }
    if (!response.ok) {
      throw new Error(answer.error);
    }
    hits.replaceChildren(...answer.hits.map(shown));
    const took = Math.round(performance.now() - started);
    said.textContent = answer.hits.length ? `The closest ${count(answer.hits.length, "passage", "passages")}, in ${took} ms` : "Nothing was found.";
  } catch (error) {
    said.textContent = error.message;
    said.classList.add("wrong");
  }
});

watch();

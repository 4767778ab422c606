
// The account table: search, filters, sorting and the card of one account. Text nodes only, never HTML.
(function () {
  var source = document.getElementById("accounts-data"), table = document.getElementById("accounts-table");
  if (!source || !table) { return; }
  var data = JSON.parse(source.textContent), field = {}, body = table.tBodies[0], step = 50, shown = step;
  var card = document.getElementById("account-card"), told = document.getElementById("accounts-told");
  var more = document.getElementById("accounts-more"), box = document.getElementById("accounts-filter");
  data.fields.forEach(function (name, place) { field[name] = place; });
  var all = data.rows.map(function (row, place) { return { row: row, detail: data.details[place] || null, text: "" }; });
  var found = all.slice(), by = "place", up = true;

  function get(entry, name) { return entry.row[field[name]]; }
  function word(place) { return place === null || place === undefined ? "" : data.words[place]; }
  function named(entry, name) { return word(get(entry, name)); }
  function whole(value) { return value === null ? "–" : Math.round(value).toLocaleString("en-US"); }
  function percent(value) { return (100 * value).toFixed(1) + " %"; }
  function reason(pair) {
    var head = word(pair[0]), tail = word(pair[1]);
    return (head ? head + ": " : "") + tail;
  }
  function arrow(text) { return text.replace("Raises the risk: ", "▲ ").replace("Lowers the risk: ", "▼ "); }
  function reasons(entry) {
    if (entry.detail && entry.detail[0].length) { return entry.detail[0].map(reason); }
    if (named(entry, "scored_by") === "rule") { return ["Too new for the model: the churned share of young accounts."]; }
    return [];
  }
  function make(tag, text, kind) {
    var element = document.createElement(tag);
    if (text !== undefined) { element.textContent = text; }
    if (kind) { element.className = kind; }
    return element;
  }
  function haystack(entry) {
    if (!entry.text) {
      var parts = [get(entry, "id"), named(entry, "plan"), named(entry, "segment"), named(entry, "milestone")];
      var next = entry.detail ? word(entry.detail[1]) : "";
      entry.text = parts.concat(reasons(entry), [next]).join("\n").toLowerCase();
    }
    return entry.text;
  }
  function mature(entry) {
    var count = get(entry, "mature");
    return (count === null ? "–" : count) + (data.categories.length ? " of " + data.categories.length : "");
  }
  function long(text) {  // three lines at most: the card has all of it
    var cell = make("td", undefined, "long");
    cell.appendChild(make("div", text, "clamp"));
    return cell;
  }
  function line(entry) {
    var row = make("tr"), head = make("th"), button = make("button", get(entry, "id"), "open");
    row.appendChild(make("td", get(entry, "place"), "num"));
    head.scope = "row";
    button.type = "button";
    button.addEventListener("click", function () { open(entry); });
    head.appendChild(button);
    row.appendChild(head);
    row.appendChild(make("td", percent(get(entry, "risk")), "num"));
    var band = make("td");
    band.appendChild(make("span", named(entry, "band"), "mark band" + (named(entry, "band") === "high" ? " high" : "")));
    row.appendChild(band);
    row.appendChild(make("td", named(entry, "plan") || "–", "name"));
    row.appendChild(make("td", whole(get(entry, "mrr")), "num"));
    row.appendChild(make("td", whole(get(entry, "loss")), "num"));
    row.appendChild(make("td", mature(entry), "num"));
    row.appendChild(make("td", named(entry, "milestone") || "–"));
    row.appendChild(long(arrow(reasons(entry)[0] || "–").replace(/ \([^()]*\)$/, "")));
    row.appendChild(long((entry.detail && word(entry.detail[1])) || "–"));
    return row;
  }
  function draw() {
    var part = document.createDocumentFragment();
    found.slice(0, shown).forEach(function (entry) { part.appendChild(line(entry)); });
    body.textContent = "";
    body.appendChild(part);
    var seen = Math.min(shown, found.length);
    told.textContent = found.length.toLocaleString("en-US") + " of " + all.length.toLocaleString("en-US") +
      " accounts match, " + seen.toLocaleString("en-US") + " shown";
    more.hidden = seen >= found.length;
  }
  function value(entry) {
    if (by === "band") { return get(entry, "risk"); }
    if (by === "id") { return get(entry, by).toLowerCase(); }
    return data.texts.indexOf(by) >= 0 ? named(entry, by).toLowerCase() : get(entry, by);
  }
  function order(one, other) {
    if (get(one, by) === null || get(other, by) === null) {  // what is not known comes last, either way
      return (get(one, by) === null) - (get(other, by) === null) || get(one, "place") - get(other, "place");
    }
    var x = value(one), y = value(other);
    var sign = x < y ? -1 : x > y ? 1 : 0;
    return (up ? sign : -sign) || get(one, "place") - get(other, "place");
  }
  function choose() {
    var wanted = box.value.trim().toLowerCase();
    found = all.filter(function (entry) {
      return pickers.every(function (picker) {
        return picker.value === "" || named(entry, picker.dataset.field) === picker.value;
      }) && (wanted === "" || haystack(entry).indexOf(wanted) >= 0);
    });
    found.sort(order);
    shown = step;
    draw();
  }
  function fill(picker) {
    var seen = Object.create(null), unset = false;
    all.forEach(function (entry) {
      var name = named(entry, picker.dataset.field);
      if (name) { seen[name] = 1; } else { unset = true; }
    });
    var names = Object.keys(seen).sort();
    names.forEach(function (name) { var option = make("option", name); option.value = name; picker.appendChild(option); });
    picker.parentNode.hidden = names.length + unset < 2 || !names.length;  // nothing to choose from
    picker.addEventListener("change", choose);
  }
  var pickers = Array.prototype.slice.call(document.querySelectorAll("#accounts-tools select"));
  pickers.forEach(fill);
  box.addEventListener("input", choose);
  more.addEventListener("click", function () { shown += step; draw(); });
  Array.prototype.forEach.call(table.tHead.querySelectorAll("button"), function (button) {
    button.disabled = false;
    button.addEventListener("click", function () {
      var head = button.parentNode, again = head.getAttribute("aria-sort") === "descending";
      Array.prototype.forEach.call(head.parentNode.cells, function (cell) { cell.removeAttribute("aria-sort"); });
      by = head.dataset.field;
      up = again;
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      choose();
    });
  });

  function fact(list, name, text) {
    list.appendChild(make("dt", name));
    list.appendChild(make("dd", text));
  }
  function levels(entry) {
    var words = { m: "mature", b: "basic", "-": "not known" }, letters = get(entry, "levels");
    return data.categories.map(function (name, place) { return name + " " + words[letters[place]]; }).join(", ");
  }
  function held(entry) {
    var used = get(entry, "utilized");
    return "set up " + (get(entry, "setup") || "–") + ", activated " + (get(entry, "activated") || "–") +
      ", utilized " + (used === null ? "–" : used ? "yes" : "no");
  }
  function timeline(entry) {
    var path = get(entry, "path"), list = make("ol", undefined, "path");
    data.dates.forEach(function (day, place) {
      if (!path || path[place] === ".") { return; }
      var item = make("li", undefined, "state s" + path[place]);
      item.appendChild(make("span", day, "day"));
      item.appendChild(make("span", data.states[+path[place]]));
      list.appendChild(item);
    });
    return list;
  }
  function open(entry) {
    var content = document.getElementById("account-content"), facts = make("dl", undefined, "plain"), said = reasons(entry);
    content.textContent = "";
    document.getElementById("account-name").textContent = get(entry, "id");
    fact(facts, "Churn risk", percent(get(entry, "risk")) + ", " + named(entry, "band") + " (no. " + whole(get(entry, "place")) + ")");
    fact(facts, "Pays", whole(get(entry, "mrr")) + " MRR; expected loss " + whole(get(entry, "loss")));
    fact(facts, "Account", [named(entry, "plan"), named(entry, "segment"), named(entry, "size"),
      get(entry, "tenure") === null ? "" : whole(get(entry, "tenure")) + " days since it signed up"].filter(Boolean).join(", "));
    fact(facts, "Furthest milestone", (named(entry, "milestone") || "–") + "; " + held(entry));
    if (data.categories.length) { fact(facts, "Mature in", mature(entry) + ": " + levels(entry)); }
    fact(facts, "Route", named(entry, "route") || "not set");
    content.appendChild(facts);
    content.appendChild(make("h4", "Reasons"));
    if (said.length) {
      var list = make("ul");
      said.forEach(function (text) { list.appendChild(make("li", arrow(text))); });
      content.appendChild(list);
    } else { content.appendChild(make("p", "Not on this page; the scores table has them.", "note")); }
    content.appendChild(make("h4", "Next step"));
    var next = entry.detail ? word(entry.detail[1]) : "";
    content.appendChild(make("p", next || (entry.detail ? "None is known." : "Not on this page; the scores table has it.")));
    if (next && word(entry.detail[2])) { content.appendChild(make("p", word(entry.detail[2]), "note")); }
    if (next && word(entry.detail[3])) { content.appendChild(make("p", "Or: " + word(entry.detail[3]) + ".", "note")); }
    content.appendChild(make("h4", "Furthest milestone at the last snapshots"));
    var path = timeline(entry);
    content.appendChild(path.children.length ? path : make("p", "Not known.", "note"));
    card.showModal();
  }
  document.getElementById("account-close").addEventListener("click", function () { card.close(); });
  card.addEventListener("click", function (event) { if (event.target === card) { card.close(); } });
  document.getElementById("accounts-tools").hidden = false;
  draw();
}());

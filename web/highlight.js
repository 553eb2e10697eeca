// Light colouring of code: comments, strings, numbers and keywords of the languages that models write most.

const words = (list) => new Set(list.split(" "));
const cLike = "break case catch class const continue default delete do else enum export extends false finally for if import in instanceof new null return static super switch this throw true try typeof var void while";
const families = [
  { names: "c cpp c++ cc h hpp cuda", comment: "//|/*", keywords: words(`${cLike} auto bool char constexpr double explicit float friend inline int long mutable namespace noexcept nullptr operator override private protected public short signed sizeof size_t std struct template typedef typename union unsigned using virtual`) },
  { names: "js javascript ts typescript jsx tsx mjs", comment: "//|/*", keywords: words(`${cLike} async await function interface let of type undefined yield from as`) },
  { names: "java kotlin scala csharp c# cs go golang rust rs swift php", comment: "//|/*", keywords: words(`${cLike} as async await bool boolean byte chan defer final fn func fun go impl implements int interface let long loop map match mod mut nil package private protected public pub range self select String string struct trait type unsafe use val when where`) },
  { names: "python py python3", comment: "#", keywords: words("and as assert async await break class continue def del elif else except False finally for from global if import in is lambda None nonlocal not or pass raise return self True try while with yield match case") },
  { names: "bash sh shell zsh console", comment: "#", keywords: words("if then else elif fi for in do done while until case esac function return export local set echo cd exit source sudo") },
  { names: "yaml yml toml ini dockerfile cmake makefile", comment: "#", keywords: words("true false null on off yes no FROM RUN COPY CMD ENV") },
  { names: "json", comment: "", keywords: words("true false null") },
  { names: "sql", comment: "--", keywords: words("select from where and or not insert into values update set delete create table index view join left right inner outer on group by order having limit as distinct union null is in like between case when then else end primary key foreign references SELECT FROM WHERE AND OR NOT INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE INDEX VIEW JOIN LEFT RIGHT INNER OUTER ON GROUP BY ORDER HAVING LIMIT AS DISTINCT UNION NULL IS IN LIKE BETWEEN CASE WHEN THEN ELSE END PRIMARY KEY FOREIGN REFERENCES") },
];

const comments = { "//|/*": String.raw`\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`, "#": String.raw`#[^\n]*`, "--": String.raw`--[^\n]*` };
const strings = String.raw`"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|` + "`(?:[^`\\\\]|\\\\.)*`?";
const rest = String.raw`(?<number>\b\d[\w.]*)|(?<word>[A-Za-z_$][\w$]*)`;

/** [kind, text] pairs that make `code` together; kind is "comment", "string", "number", "keyword" or "". */
export function highlight(code, language) {
  const family = families.find((one) => one.names.split(" ").includes(language));
  // Colouring what is huge would hold up the page for nothing that anybody reads.
  if (!family || code.length > 50000) return [["", code]];
  const comment = family.comment ? `(?<comment>${comments[family.comment]})|` : "";
  const out = [];
  let end = 0;
  for (const match of code.matchAll(new RegExp(`${comment}(?<string>${strings})|${rest}`, "g"))) {
    const groups = match.groups;
    const kind = groups.word ? (family.keywords.has(groups.word) ? "keyword" : "") :
      groups.comment ? "comment" : groups.string ? "string" : "number";
    if (kind === "") continue;
    if (match.index > end) out.push(["", code.slice(end, match.index)]);
    out.push([kind, match[0]]);
    end = match.index + match[0].length;
  }
  if (end < code.length) out.push(["", code.slice(end)]);
  return out;
}

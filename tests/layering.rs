//! The order of the stages, proven by reading the sources: a file imports only from stages to its left, and threads have one home.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The stages from left to right. The words may use each other; everything else only what stands before it.
const STAGES: [&[&str]; 11] = [
    &["geom", "pixel", "error", "budget", "cancel", "system", "simd"],
    &["job"],
    &["artwork"],
    &["preflight"],
    &["layout"],
    &["encode"],
    &["plan"],
    &["render"],
    &["report"],
    &["run"],
    &["demo"],
];

fn stage(module: &str) -> Option<usize> {
    STAGES.iter().position(|modules| modules.contains(&module))
}

/// A source file as its identifiers and the punctuation between them, without comments, texts and tests.
struct Source {
    /// The path below `src`, such as `render/band.rs`.
    name: String,
    tokens: Vec<String>,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), tokens: without_tests(tokens(text)) }
    }

    /// The modules from the crate's root to this file: `["render", "band"]`, and `["render"]` for `render/mod.rs`.
    fn modules(&self) -> Vec<&str> {
        let path = self.name.trim_end_matches(".rs");
        path.split('/').filter(|&module| module != "mod" && module != "lib" && module != "main").collect()
    }

    fn room(&self) -> Option<&str> {
        self.modules().first().copied()
    }
}

/// Splits Rust into identifiers, `::` and single characters; comments, character and text literals are dropped.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = raw_text_length(rest) {
            raw
        } else if first == '"' {
            text_length(rest)
        } else if let Some(character) = character_length(rest) {
            character
        } else if first.is_whitespace() {
            first.len_utf8()
        } else {
            let end = match () {
                () if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                () if rest.starts_with("::") => 2,
                () => first.len_utf8(),
            };
            tokens.push(rest[..end].to_owned());
            end
        };
        rest = &rest[end..];
    }
    tokens
}

/// The length of a literal such as `r#"…"#` at the start of `text`.
fn raw_text_length(text: &str) -> Option<usize> {
    let text_after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = text_after.len() - text_after.trim_start_matches('#').len();
    let body = text_after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text.len() - body.len() + body.find(&end).map_or(body.len(), |at| at + end.len()))
}

fn text_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|&(_, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// The length of a literal such as `'x'` or `'\n'`; `None` for a lifetime.
fn character_length(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    if body.starts_with('\\') {
        return body[2..].find('\'').map(|at| at + 4);
    }
    let first = body.chars().next()?.len_utf8();
    body[first..].starts_with('\'').then_some(first + 2)
}

/// Drops what follows `#[cfg(test)]`: a module with its body, or any other item up to its `;` or body.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().take(MARK.len()).eq(MARK.iter()) {
            let mut depth = 0;
            at += MARK.len();
            while let Some(token) = tokens.get(at) {
                at += 1;
                match token.as_str() {
                    "{" => depth += 1,
                    "}" if depth == 1 => break,
                    "}" => depth -= 1,
                    ";" if depth == 0 => break,
                    _ => {}
                }
            }
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Everything that a file names below the crate's root, as the first segment after `crate::` (or after as many `super::` as lead there).
fn named_at_root(source: &Source) -> BTreeSet<String> {
    let depth = source.modules().len();
    let tokens = &source.tokens;
    let mut named = BTreeSet::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut supers = 0;
        let mut next = at;
        let from_crate = tokens[at] == "crate" && tokens.get(at + 1).is_some_and(|token| token == "::");
        if from_crate {
            next += 2;
        } else {
            while tokens.get(next).is_some_and(|token| token == "super") && tokens.get(next + 1).is_some_and(|token| token == "::") {
                (supers, next) = (supers + 1, next + 2);
            }
        }
        if from_crate || (supers > 0 && supers >= depth) {
            named.extend(first_segments(&tokens[next..]));
        }
        at = next.max(at + 1);
    }
    named
}

/// `a::b` gives `a`; `{a::b, c::{d, e}}` gives `a` and `c`.
fn first_segments(tokens: &[String]) -> Vec<String> {
    if tokens.first().is_none_or(|token| token != "{") {
        return tokens.first().cloned().into_iter().collect();
    }
    let (mut depth, mut starts, mut found) = (0, true, Vec::new());
    for token in tokens {
        match token.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," if depth == 1 => starts = true,
            word if depth == 1 && starts => {
                found.push(word.to_owned());
                starts = false;
            }
            _ => {}
        }
    }
    found
}

/// The room of each name that `lib.rs` re-exports.
fn re_exports(lib: &Source) -> BTreeMap<String, String> {
    let mut rooms = BTreeMap::new();
    for statement in lib.tokens.split(|token| token == ";") {
        let Some(start) = statement.iter().position(|token| token == "use") else { continue };
        let [first, room, names @ ..] = &statement[start + 1..] else { continue };
        let (room, names) = if first == "crate" { (&names[0], &names[1..]) } else { (first, std::slice::from_ref(room)) };
        let names = names.iter().filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
        rooms.extend(names.map(|name| (name.clone(), room.clone())));
    }
    rooms
}

/// What a file may not import, in words.
fn violations(source: &Source, re_exports: &BTreeMap<String, String>) -> Vec<String> {
    let Some(room) = source.room() else { return Vec::new() };
    // A program is a crate of its own: it sees the public interface only.
    if room == "bin" {
        return Vec::new();
    }
    let Some(own) = stage(room) else { return vec![format!("{}: the room {room} stands in no stage", source.name)] };
    let wrong = |name: &String| {
        let module = if stage(name).is_some() { name } else { re_exports.get(name).unwrap_or(name) };
        let complaint = match stage(module) {
            None => format!("names {name}, which is in no stage"),
            // Words may use each other; a room may use itself.
            Some(other) if other < own || module == room || (other, own) == (0, 0) => return None,
            Some(_) => format!("imports {name}, which is not to its left"),
        };
        Some(format!("{}: {complaint}", source.name))
    };
    named_at_root(source).iter().filter_map(wrong).collect()
}

/// All sources but those that exist for tests only.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"), fs::read_to_string(path).unwrap()))
        .collect();
    let for_tests: BTreeSet<String> = texts
        .iter()
        .flat_map(|(name, text)| {
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            let declared = text.split("#[cfg(test)]\nmod ").skip(1).filter_map(|rest| Some(rest.split_once(';')?.0.to_owned()));
            declared.filter(|module| !module.contains([' ', '\n'])).map(move |module| format!("{folder}/{module}.rs"))
        })
        .collect();
    texts.iter().filter(|(name, _)| !for_tests.contains(name)).map(|(name, text)| Source::new(name, text)).collect()
}

#[test]
fn every_file_imports_only_from_stages_to_its_left() {
    let sources = sources();
    assert!(sources.len() > 40, "only {} files were read", sources.len());
    let lib = sources.iter().find(|source| source.name == "lib.rs").unwrap();
    let re_exports = re_exports(lib);
    assert_eq!((re_exports["Dpi"].as_str(), re_exports["render_band"].as_str()), ("geom", "render"));
    let found: Vec<String> = sources.iter().flat_map(|source| violations(source, &re_exports)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn threads_have_one_home() {
    for source in sources() {
        let tokens = &source.tokens;
        for (at, _) in tokens.iter().enumerate().filter(|(_, token)| *token == "thread") {
            let what = tokens.get(at + 2).map_or("", String::as_str);
            assert!(source.name == "render/runner.rs", "threads in {}: thread::{what}", source.name);
        }
    }
}

#[test]
fn a_wrong_import_is_found_in_every_spelling() {
    let re_exports = BTreeMap::from([("Renderer".to_owned(), "render".to_owned()), ("Dpi".to_owned(), "geom".to_owned())]);
    let found = |name: &str, text: &str| violations(&Source::new(name, text), &re_exports);
    for wrong in [
        "use crate::render::Cancel;",
        "use crate::{geom::Dpi, render::{Cancel, Existing}};",
        "fn f() { crate::render::render_band(); }",
        "fn f(renderer: &crate::Renderer) {}",
        "use super::super::render;",
        "const A: char = '\\''; const B: &str = \"\\\"\"; use crate::render::Cancel; // \"",
        "use crate::nowhere::Thing;",
    ] {
        assert_eq!(found("plan/bands.rs", wrong).len(), 1, "{wrong}");
    }
    for right in [
        "use crate::geom::Rows; use crate::{encode::PartHeader, layout::{Layout, Part}};",
        "use super::RasterSpec; use super::bands::cut; use crate::plan::Band; use crate::Dpi;",
        "// use crate::render::Cancel;\n/// [`crate::render_band`]\nconst A: &str = \"crate::render::\"; const B: &str = r#\"\"crate::render::\"#;",
        "#[cfg(test)]\nmod tests { use crate::render::Cancel; mod inner {} }",
    ] {
        assert_eq!(found("plan/bands.rs", right), [""; 0], "{right}");
    }
    assert_eq!(found("geom.rs", "use super::render;").len(), 1);
    assert_eq!(found("somewhere/new.rs", "").len(), 1);
}

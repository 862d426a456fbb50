//! The direction of imports: a module uses those below it and never one above.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that finds something else than it expects should panic"
)]

use std::fs;
use std::path::{Path, PathBuf};

use todoward::resources::{RESOURCES, tables};

/// The modules of `src/`, from top to bottom; those in one row do not use each other.
const MODULES: &[&[&str]] = &[
    &["main"],
    &["lib"],
    &["cli"],
    &["server"],
    &["routes"],
    &["transfer"],
    &["accounts"],
    &["resources"],
    &["changes", "interchange"],
    &["batch", "lists", "tags"],
    &["tasks"],
    &["openapi"],
    &["http"],
    &["health"],
    &["db"],
    &["auth"],
    &["rate_limit", "metrics", "logging"],
    &["settings"],
    &["primitives"],
];

/// Which modules may name the tables of `db/schema.rs`: first the one that a table belongs
/// to, a resource or the engine; then others, and the command that copies whole tables.
const TABLES: &[(&str, &[&str])] = &[
    ("tasks", &["tasks", "transfer"]),
    // A task is put into a list that is there.
    ("lists", &["lists", "tasks", "transfer"]),
    // How far changes have come.
    ("owners", &["db", "changes"]),
    ("epochs", &["db", "changes"]),
    ("gone", &["db", "changes"]),
    ("erasures", &["db"]),
    ("idempotency_keys", &["db", "transfer"]),
];

/// A file of `src/` without its tests: its path, its module, its text.
struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(Path::new("src"), &mut files);
    assert!(files.len() > 50, "{} files", files.len());
    files.into_iter().map(source).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
}

fn source(path: PathBuf) -> Source {
    let below = path.strip_prefix("src").unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    let module = first.strip_suffix(".rs").unwrap_or(first).to_owned();
    let whole = fs::read_to_string(&path).unwrap();
    let is_test = below.iter().any(|part| part == "tests") || path.ends_with("tests.rs");
    let text = match whole.split_once("#[cfg(test)]\nmod tests {") {
        _ if is_test => String::new(),
        Some((product, _)) => product.to_owned(),
        None => whole,
    };
    Source { path, module, text }
}

/// The modules that a text names, each with its line. Comments may name any.
fn named_modules(text: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, found) in code.match_indices("crate::") {
            let module = code[at + found.len()..].chars();
            let module = module.take_while(|c| c.is_alphanumeric() || *c == '_');
            named.push((number + 1, module.collect()));
        }
    }
    named
}

fn floor(module: &str) -> usize {
    let floor = MODULES.iter().position(|modules| modules.contains(&module));
    floor
        .unwrap_or_else(|| panic!("src/{module} has no place in the order of modules: give it one"))
}

#[test]
fn imports_go_down_and_never_up() {
    let mut wrong = Vec::new();
    let mut down = 0;
    for source in sources() {
        let own = floor(&source.module);
        for (line, module) in named_modules(&source.text) {
            if module == source.module {
                continue;
            }
            down += 1;
            if floor(&module) <= own {
                wrong.push(format!("{}:{line} uses {module}", source.path.display()));
            }
        }
    }
    assert!(down > 100, "{down} imports seen");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_table_is_named_only_by_the_resource_that_has_it() {
    let schema = fs::read_to_string("src/db/schema.rs").unwrap();
    let declared = schema.matches("diesel::table!").count();
    assert_eq!(declared, TABLES.len(), "say who may name the new table");
    for source in sources() {
        for (table, modules) in TABLES {
            let names = source.text.lines().any(|line| {
                let line = line.trim();
                line.starts_with("use ") && line.contains("schema::") && names(line, table)
            });
            let may = modules.contains(&source.module.as_str());
            assert!(!names || may, "{} names {table}", source.path.display());
        }
    }
}

/// Else its rows outlive the account of their owner, or stay behind in the other database.
#[test]
fn what_a_resource_has_is_erased_and_copied() {
    for (table, modules) in TABLES.iter().filter(|(_, modules)| modules[0] != "db") {
        let resource = RESOURCES
            .iter()
            .find(|resource| resource.name == modules[0]);
        let tables = resource.unwrap().tables.iter();
        let is_declared = tables.into_iter().any(|it| it.name == *table);
        assert!(is_declared, "{} does not declare its table", modules[0]);
    }
    for module in ["accounts", "transfer"] {
        let sources = sources();
        let mut of_module = sources.iter().filter(|source| source.module == module);
        let is_of_all =
            of_module.any(|source| source.text.contains("use crate::resources::tables"));
        assert!(is_of_all, "src/{module} does not go through all tables");
    }
}

/// Else it names a row of nobody once the owner's rows were given new ids.
#[test]
fn a_column_with_an_id_says_of_which_rows() {
    let schema = fs::read_to_string("src/db/schema.rs").unwrap();
    let known: Vec<_> = tables().map(|table| table.name).collect();
    let references: Vec<_> = tables().flat_map(|table| table.references).collect();
    assert!(references.iter().all(|it| known.contains(&it.to)));
    let mut seen = 0;
    for table in known {
        let (_, columns) = schema
            .split_once(&format!("    {table} (owner_id, id) {{"))
            .unwrap();
        let (columns, _) = columns.split_once('}').unwrap();
        let ids = columns.lines().filter(|line| line.contains("Uuid"));
        for line in ids {
            let column = line.split_whitespace().next().unwrap();
            let mut says = references.iter();
            let is_said = says.any(|it| it.table == table && it.column == column);
            assert!(is_said || column == "id", "{table}.{column}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen} columns seen");
}

fn names(line: &str, word: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|it| it == word)
}

/// Code that has an owner may read and write what that owner has, so no text of a request
/// may become one.
#[test]
fn only_commands_name_an_owner_without_a_token() {
    const NAMES: &str = "OwnerId::named_by_operator";
    let sources = sources();
    let calls = sources.iter().filter(|source| source.text.contains(NAMES));
    let modules: Vec<_> = calls.map(|source| source.module.as_str()).collect();
    assert!(!modules.is_empty());
    assert!(modules.iter().all(|module| *module == "cli"), "{modules:?}");
}

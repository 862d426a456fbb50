//! The layers of the settings, and typed access to them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use config::{Config, File, FileFormat, Map, Source, Value, ValueKind};

const DEFAULTS: &str = include_str!("../../config/default.toml");
const PREFIX: &str = "TODOWARD__";

/// Short names of settings. They take precedence over the long ones.
const SHORT_NAMES: [(&str, &str); 3] = [
    ("HOST", "server.host"),
    ("PORT", "server.port"),
    ("DATABASE_URL", "database.url"),
];

/// The other environment variables that are read.
const OTHERS: [&str; 6] = [
    "BETTER_AUTH_SECRET",
    "BETTER_AUTH_SECRETS",
    "BETTER_AUTH_URL",
    "JWKS_URL",
    "RUST_LOG",
    "TODOWARD_ENV",
];

/// The hint for a variable without a value.
const EMPTY: &str = "is empty: set it, or leave it out";

/// An invalid setting, as one sentence: the name, then how to fix it.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError(String);

impl SettingsError {
    /// `hint` must not contain the value, which may be a secret.
    pub fn new(name: &str, hint: &str) -> Self {
        Self(format!("{} {hint}", name.escape_debug()))
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

/// The environment variables that settings are read from.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of the process.
    ///
    /// # Errors
    ///
    /// A variable is not UTF-8.
    pub fn of_process() -> Result<Self, SettingsError> {
        std::env::vars_os()
            // Lossy is fine: the names of settings are ASCII.
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .filter(|(name, _)| is_looked_at(name))
            .map(|(name, value)| match OsString::into_string(value) {
                Ok(value) => Ok((name, value)),
                Err(_) => Err(SettingsError::new(&name, "must be UTF-8")),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// An environment with only these variables.
    pub fn of<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self(variables.into_iter().map(owned).collect())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a variable that must not be empty, as `${VARIABLE:-}` in a Compose file
    /// makes one that is not set.
    ///
    /// # Errors
    ///
    /// The variable is set and empty.
    pub(super) fn not_empty(&self, name: &str) -> Result<Option<&str>, SettingsError> {
        match self.get(name) {
            Some(value) if value.trim().is_empty() => Err(SettingsError::new(name, EMPTY)),
            value => Ok(value),
        }
    }

    /// Sets a variable if it is not set.
    pub fn set_default(&mut self, name: &str, value: String) {
        self.0.entry(name.to_owned()).or_insert(value);
    }
}

fn is_looked_at(name: &str) -> bool {
    name.starts_with(PREFIX)
        || OTHERS.contains(&name)
        || SHORT_NAMES.iter().any(|(short, _)| *short == name)
}

/// The merged layers.
pub(super) struct Layers {
    config: Config,
    short: Vec<(&'static str, &'static str)>,
}

impl Layers {
    pub(super) fn read(environment: &Environment) -> Result<Self, SettingsError> {
        let known = keys(&default_config()?);
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        let stage = environment.get("TODOWARD_ENV").unwrap_or_default();
        if stage.contains(['/', '\\', '.']) {
            let hint = "must be the name of a file config/<name>.toml, without path and ending";
            return Err(SettingsError::new("TODOWARD_ENV", hint));
        }
        if !stage.is_empty() {
            let file = File::new(&format!("config/{stage}.toml"), FileFormat::Toml);
            builder = builder.add_source(file.required(false));
        }
        for (name, value) in &environment.0 {
            let Some(path) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let key = path.to_ascii_lowercase().replace("__", ".");
            // Checked here, not on the merged result, where a later layer could hide it.
            if !known.contains(&key) {
                return Err(unknown(name));
            }
            builder = builder
                .set_override(key, value.as_str())
                .map_err(|_| unknown(name))?;
        }
        let mut short = Vec::new();
        for (name, key) in SHORT_NAMES {
            if let Some(value) = environment.get(name) {
                builder = builder
                    .set_override(key, value)
                    .map_err(|_| unknown(name))?;
                short.push((name, key));
            }
        }
        let config = builder.build().map_err(|_| {
            // The parser's message quotes the line, which may contain a secret.
            let name = format!("config/{stage}.toml");
            SettingsError::new(&name, "is not valid TOML")
        })?;
        if let Some(key) = keys(&config).difference(&known).next() {
            return Err(unknown(&variable(key)));
        }
        Ok(Self { config, short })
    }

    /// An error about a key, under the name by which it was most probably set.
    pub(super) fn wrong(&self, key: &str, hint: &str) -> SettingsError {
        let short = self.short.iter().find(|(_, known)| *known == key);
        match short {
            Some((name, _)) => SettingsError::new(name, hint),
            None => SettingsError::new(&variable(key), hint),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<String, SettingsError> {
        self.config
            .get_string(key)
            .map_err(|_| self.wrong(key, "must be a text"))
    }

    /// A text that must not be empty.
    pub(super) fn not_empty(&self, key: &str) -> Result<String, SettingsError> {
        let text = self.text(key)?;
        match text.trim().is_empty() {
            true => Err(self.wrong(key, EMPTY)),
            false => Ok(text),
        }
    }

    pub(super) fn parsed<T: FromStr>(&self, key: &str, hint: &str) -> Result<T, SettingsError> {
        let text = self.not_empty(key)?;
        text.parse().map_err(|_| self.wrong(key, hint))
    }

    pub(super) fn number(&self, key: &str, min: u64, max: u64) -> Result<u64, SettingsError> {
        let hint = format!("must be a whole number from {min} to {max}");
        let number = self.parsed::<u64>(key, &hint)?;
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(self.wrong(key, &hint))
        }
    }

    /// An array in a file, or a comma-separated text in the environment.
    pub(super) fn list(&self, key: &str) -> Result<Vec<String>, SettingsError> {
        if let Ok(array) = self.config.get_array(key) {
            return array
                .into_iter()
                .map(Value::into_string)
                .collect::<Result<_, _>>()
                .map_err(|_| self.wrong(key, "must be a list of texts"));
        }
        let text = self.text(key)?;
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        Ok(items.map(str::to_owned).collect())
    }
}

fn default_config() -> Result<Config, SettingsError> {
    Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .build()
        .map_err(|_| SettingsError::new("config/default.toml", "is not valid TOML"))
}

/// The keys of all settings, as `section.key`.
fn keys(config: &Config) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    collect("", config.collect().unwrap_or_default(), &mut keys);
    keys
}

fn collect(prefix: &str, table: Map<String, Value>, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        if let ValueKind::Table(inner) = value.kind {
            collect(&format!("{key}."), inner, keys);
        } else {
            keys.insert(key);
        }
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

fn unknown(name: &str) -> SettingsError {
    SettingsError::new(name, "is not a setting; config/default.toml lists them all")
}

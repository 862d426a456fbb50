//! What a connection string of PostgreSQL is given beside what it says.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// libpq has no time limits of its own: without these a server that
/// vanishes holds a thread for a quarter of an hour. Milliseconds for
/// `tcp_user_timeout`, seconds for the others. What the URL says wins.
const PARAMETERS: [(&str, &str); 6] = [
    ("application_name", "todoward"),
    ("connect_timeout", "2"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "2"),
    ("tcp_user_timeout", "5000"),
];

/// A connection string with what it does not say itself.
pub(super) fn complete(url: &str) -> String {
    with_authorities(with_parameters(url))
}

fn with_parameters(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in PARAMETERS {
        if !url.contains(&format!("{name}=")) {
            add(&mut url, name, value);
        }
    }
    url
}

fn add(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(&format!("{name}={value}"));
}

/// `sslmode=verify-full` without a file means the authorities that the system
/// trusts, as does `sslrootcert=system`. libpq would look for the first in the
/// user's home, which a container does not have, and the OpenSSL that is
/// compiled in for the second where no system keeps them.
fn with_authorities(mut url: String) -> String {
    const SYSTEM: &str = "sslrootcert=system";
    let says = |pair: &str| {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|it| it == pair)
    };
    let full = says("sslmode=verify-full");
    // With a weaker mode libpq refuses the word, and rightly: a file of all public
    // authorities without a look at the name trusts everybody.
    let says_system = says(SYSTEM) && (full || !url.contains("sslmode="));
    let says_nothing = full
        && !url.contains("sslrootcert=")
        && std::env::var_os("PGSSLROOTCERT").is_none()
        && !std::env::home_dir().is_some_and(|home| home.join(".postgresql/root.crt").exists());
    if !says_system && !says_nothing {
        return url;
    }
    let Some(file) = openssl_probe::probe().cert_file else {
        return url;
    };
    let file = utf8_percent_encode(&file.to_string_lossy(), NON_ALPHANUMERIC).to_string();
    if says_nothing {
        add(&mut url, "sslrootcert", &file);
        return url;
    }
    url = url.replace(SYSTEM, &format!("sslrootcert={file}"));
    if !full {
        // What libpq takes for granted with the word.
        add(&mut url, "sslmode", "verify-full");
    }
    url
}
